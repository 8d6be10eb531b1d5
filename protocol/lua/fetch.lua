--- include queue
--- include take
-- Moves the next job to active (BullMQ 5.76: moveToActive). Returns an answer of take().
-- ARGV: now, token, lock_ms, then those of take().
return take(open_queue(KEYS[1]), ARGV[1], { ARGV[2] }, ARGV[3], 4)[1]
