-- Writes a job's data (BullMQ 5.76: updateData). Returns 0, or -1 if the job is gone.
-- KEYS[1]: the queue's key prefix. ARGV: id, data (JSON).
local key = KEYS[1] .. ARGV[1]
if redis.call('EXISTS', key) == 0 then
    return -1
end
redis.call('HSET', key, 'data', ARGV[2])
return 0
