--- include queue
--- include push
-- Writes a job's progress (BullMQ 5.76: updateProgress). Returns 0, or -1 if the job is gone. ARGV: id, progress (JSON).
local queue = open_queue(KEYS[1])
local key = queue.prefix .. ARGV[1]
if call('EXISTS', key) == 0 then
    return -1
end
call('HSET', key, 'progress', ARGV[2])
tell(queue, 'progress', 'jobId', ARGV[1], 'data', ARGV[2])
return 0
