--- include queue
--- include push
--- include leave
--- include take
-- Puts a failed job back at once, one attempt counted (BullMQ 5.76: retryJob). Returns 0 or a code of leave().
-- ARGV: now, id, token, attempt ('ats'), reason, stack trace, attempts made, lifo ('1' or '').
local id = ARGV[2]
local queue = open_queue(KEYS[1])
next_delayed(queue, tonumber(ARGV[1]))
local refused = leave(queue, id, ARGV[3], ARGV[4])
if refused then
    return refused
end
call('HSET', queue.prefix .. id, 'failedReason', ARGV[5], 'stacktrace', ARGV[6], 'atm', ARGV[7])
push_runnable(queue, id, tonumber(call('HGET', queue.prefix .. id, 'priority')) or 0, ARGV[8] == '1' and 'RPUSH' or 'LPUSH')
tell(queue, 'waiting', 'jobId', id, 'prev', 'active')
return 0
