--- include queue
--- include take
-- Moves the next job to active (BullMQ 5.76: moveToActive). ARGV: now, token, lock_ms, worker name or ''.
return take(tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4])
