--- include queue
--- include add
--- include iteration
-- Makes the next job of a legacy repeatable (BullMQ 5.76: updateRepeatableJobMillis, then as add). Returns an id, as add() does, or 0: nothing is to follow.
-- ARGV: now, whether the job at hand names a schedule ('1' or ''), where that may be found: key, beginning of its jobs' ids, key, beginning of ids; next
-- (ms), name, data (JSON), options (JSON, without their end), delay_ms, priority, and what may be left out: lifo ('1' or ''), deduplication id, for how many ms
-- it is held.
local queue = open_queue(KEYS[1])
local schedules, following = queue.prefix .. 'repeat', ARGV[7]
local schedule, ids = '', 'repeat::' -- of a job that names none
if call('ZSCORE', schedules, ARGV[3]) then
    schedule, ids = ARGV[3], ARGV[4]
elseif call('ZSCORE', schedules, ARGV[5]) then
    schedule, ids = ARGV[5], ARGV[6]
elseif ARGV[2] == '1' or is_since_6(queue) then
    return 0
end
if schedule ~= '' then
    call('ZADD', schedules, following, schedule)
end
local id = ids .. following
local options = finish_options(ARGV[10], id, ARGV[1], ARGV[11], ',"prevMillis":' .. following)
return add(queue, id, ARGV[8], ARGV[9], options, ARGV[1], tonumber(ARGV[11]), tonumber(ARGV[12]), ARGV[13] == '1', { 'rjk', schedule }, given(14),
    given(15))
