--- include queue
--- include push
--- include leave
-- Puts a job of ours back to the front of the queue, no attempt counted (BullMQ 5.76: moveJobFromActiveToWait); with a limit, nobody is to take
-- jobs for so long (BullMQ 5.76: Worker.rateLimit). Returns how long the queue is limited now, in ms, or a code of leave().
-- ARGV: id, token, attempt ('ats'), limit_ms or none.
local id = ARGV[1]
local queue = open_queue(KEYS[1])
local refused = leave(queue, id, ARGV[2], ARGV[3])
if refused then
    return refused
end
if given(4) then
    call('SET', queue.prefix .. 'limiter', '9007199254740991', 'PX', ARGV[4])
end
local priority = tonumber(call('HGET', queue.prefix .. id, 'priority')) or 0
if priority > 0 then
    call('ZADD', queue.prefix .. 'prioritized', priority * 4294967296, id) -- BullMQ 5.76: before its equals, and nobody is woken
else
    push_runnable(queue, id, 0, 'RPUSH')
end
tell(queue, 'waiting', 'jobId', id, 'prev', 'active')
return math.max(call('PTTL', queue.prefix .. 'limiter'), 0)
