--- include queue
--- include active
-- Moves a job of ours to delayed (BullMQ 5.76: moveToDelayed). Returns 0 or a negative code.
-- ARGV: id, token, attempt ('ats'), delay_ms, due (ms), count this attempt ('1' or ''), then hash fields to write: name, value, ...
local id = ARGV[1]
local fields, refused = leave_active(id, ARGV[2], ARGV[3], 'atm')
if refused then
    return refused
end
if ARGV[6] == '1' then
    call('HSET', P .. id, 'delay', ARGV[4], 'atm', (tonumber(fields[2]) or 0) + 1, unpack(ARGV, 7))
else
    call('HSET', P .. id, 'delay', ARGV[4], unpack(ARGV, 7))
end
push_delayed(id, tonumber(ARGV[5]))
wake_at_next_delayed()
return 0
