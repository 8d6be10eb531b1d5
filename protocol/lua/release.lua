--- include queue
--- include active
-- Puts a job of ours back to the front of the queue, no attempt counted (BullMQ 5.76: moveJobFromActiveToWait). Returns 0 or a negative code.
-- ARGV: id, token, attempt ('ats').
local id = ARGV[1]
local fields, refused = leave_active(id, ARGV[2], ARGV[3], 'priority')
if refused then
    return refused
end
local priority = tonumber(fields[2]) or 0
if priority > 0 then
    call('ZADD', P .. 'prioritized', priority * 4294967296, id)
else
    call('RPUSH', target_list(), id)
    if not is_blocked() then
        wake_one()
    end
end
call('XADD', EVENTS, 'MAXLEN', '~', events_kept(), '*', 'event', 'waiting', 'jobId', id, 'prev', 'active')
return 0
