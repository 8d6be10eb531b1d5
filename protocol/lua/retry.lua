--- include queue
--- include active
--- include take
-- Puts a failed job back at once, one attempt counted (BullMQ 5.76: retryJob). Returns 0 or a negative code.
-- ARGV: now, id, token, attempt ('ats'), lifo ('1' or ''), then hash fields to write: name, value, ...
local id = ARGV[2]
local due = next_delayed()
if due ~= 0 and due <= tonumber(ARGV[1]) then
    promote(tonumber(ARGV[1]))
end
local fields, refused = leave_active(id, ARGV[3], ARGV[4], 'atm', 'priority')
if refused then
    return refused
end
call('HSET', P .. id, 'atm', (tonumber(fields[2]) or 0) + 1, unpack(ARGV, 6))
local priority = tonumber(fields[3]) or 0
if priority > 0 then
    push_prioritized(id, priority)
else
    call(ARGV[5] == '1' and 'RPUSH' or 'LPUSH', target_list(), id)
end
if not is_blocked() then
    wake_one()
end
call('XADD', EVENTS, 'MAXLEN', '~', events_kept(), '*', 'event', 'waiting', 'jobId', id, 'prev', 'active')
return 0
