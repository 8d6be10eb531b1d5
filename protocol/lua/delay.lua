--- include queue
--- include push
--- include leave
--- include take
-- Moves a job of ours to delayed and, if asked to, takes the next one (BullMQ 5.76: moveToDelayed). Returns a code of leave(), 0, or a job as take()
-- answers it.
-- ARGV: now, id, token, attempt ('ats'), delay_ms, due (ms), and only if this was a failed attempt its reason, stack trace and attempts made,
-- fetch ('1' or ''), lock_ms, then those of take().
local id = ARGV[2]
local queue = open_queue(KEYS[1])
local refused = leave(queue, id, ARGV[3], ARGV[4])
if refused then
    return refused
end
if given(8) then
    call('HSET', queue.prefix .. id, 'delay', ARGV[5], 'failedReason', ARGV[7], 'stacktrace', ARGV[8], 'atm', ARGV[9])
else
    call('HSET', queue.prefix .. id, 'delay', ARGV[5])
end
push_delayed(queue, id, tonumber(ARGV[6]))
if ARGV[10] == '1' then
    local next_job = take(queue, ARGV[1], { ARGV[3] }, ARGV[11], 12)[1]
    if next_job[1] ~= 0 then
        return next_job
    end
end
wake_at_next_delayed(queue)
return 0
