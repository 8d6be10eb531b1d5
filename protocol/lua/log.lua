-- Adds a row to a job's log (BullMQ 5.76: addLog). Returns how many rows it has, or -1 if the job is gone.
-- KEYS[1]: the queue's key prefix. ARGV: id, row, how many rows to keep, or none.
local job = KEYS[1] .. ARGV[1]
if redis.call('EXISTS', job) == 0 then
    return -1
end
local rows = redis.call('RPUSH', job .. ':logs', ARGV[2])
if not ARGV[3] then
    return rows
end
redis.call('LTRIM', job .. ':logs', -tonumber(ARGV[3]), -1)
return math.min(rows, tonumber(ARGV[3]))
