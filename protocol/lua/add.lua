--- include queue
--- include add
-- Adds a job (BullMQ 5.76: addStandardJob, addDelayedJob, addPrioritizedJob). Returns an id, as add() does.
-- ARGV: id or '', name, data (JSON), options (JSON), timestamp (ms), delay_ms, priority, lifo ('1' or ''), and what may be left out: deduplication id,
-- for how many ms it is held (until the job's end).
return add(open_queue(KEYS[1]), ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8] == '1', {}, given(9),
    given(10))
