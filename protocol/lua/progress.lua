--- include queue
-- Writes a job's progress (BullMQ 5.76: updateProgress). Returns 0, or -1 if the job is gone. ARGV: id, progress (JSON).
local job = P .. ARGV[1]
if call('EXISTS', job) == 0 then
    return -1
end
call('HSET', job, 'progress', ARGV[2])
call('XADD', EVENTS, 'MAXLEN', '~', events_kept(), '*', 'event', 'progress', 'jobId', ARGV[1], 'data', ARGV[2])
return 0
