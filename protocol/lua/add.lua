--- include queue
-- Adds a job (BullMQ 5.76: addStandardJob, addDelayedJob, addPrioritizedJob). Returns its id; an id that is there already is left alone.
-- ARGV: id or '', name, data (JSON), options (JSON), timestamp (ms), delay_ms, priority, lifo ('1' or '').
local id = ARGV[1]
local counter = call('INCR', P .. 'id')
local kept = events_kept()
if id == '' then
    id = string.format('%.0f', counter)
elseif call('EXISTS', P .. id) == 1 then
    call('XADD', EVENTS, 'MAXLEN', '~', kept, '*', 'event', 'duplicated', 'jobId', id)
    return id
end
call('HSET', P .. id, 'name', ARGV[2], 'data', ARGV[3], 'opts', ARGV[4], 'timestamp', ARGV[5], 'delay', ARGV[6], 'priority', ARGV[7])
call('XADD', EVENTS, '*', 'event', 'added', 'jobId', id, 'name', ARGV[2])

local delay, priority = tonumber(ARGV[6]), tonumber(ARGV[7])
if delay > 0 then
    push_delayed(id, tonumber(ARGV[5]) + delay)
    wake_at_next_delayed()
    return id
end
if priority > 0 then
    push_prioritized(id, priority)
else
    call(ARGV[8] == '1' and 'RPUSH' or 'LPUSH', target_list(), id)
end
if not is_blocked() then
    wake_one()
end
call('XADD', EVENTS, 'MAXLEN', '~', kept, '*', 'event', 'waiting', 'jobId', id)
return id
