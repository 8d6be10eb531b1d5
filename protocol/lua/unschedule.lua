--- include queue
--- include keys
-- Removes a job scheduler (BullMQ 5.76: Queue.removeJobScheduler) and its next job, if that is still delayed. Returns 0, or 1: there was none.
-- ARGV: scheduler id.
local P, scheduler = KEYS[1], ARGV[1]
local next_ms = call('ZSCORE', P .. 'repeat', scheduler)
if not next_ms then
    return 1
end
local id = 'repeat:' .. scheduler .. ':' .. next_ms
if call('ZREM', P .. 'delayed', id) == 1 then
    remove_keys(P .. id)
    call('XADD', P .. 'events', '*', 'event', 'removed', 'jobId', id, 'prev', 'delayed')
end
call('ZREM', P .. 'repeat', scheduler)
call('DEL', P .. 'repeat:' .. scheduler)
return 0
