--- include queue
--- include push
--- include json
-- Looks for jobs in active whose worker has let its lock expire, and puts them back (BullMQ 5.76: moveStalledJobsToWait). Returns how many
-- schedulers the queue has, by which a wiped one is noticed, and the ids of those jobs.
-- ARGV: now, interval_ms, how often a job may stall before it fails.
--
-- Two looks decide: the first marks everything in active, renewing a lock takes the mark off, the second puts back what is still marked and has
-- no lock. All workers share one throttle, so that many of them look no more often than one.
local P = KEYS[1]
local answer = { redis.call('ZCARD', P .. 'repeat') }
if not redis.call('SET', P .. 'stalled-check', ARGV[1], 'NX', 'PX', ARGV[2]) then
    return answer
end
local queue = open_queue(P)
trim_events(queue)

-- A scheduler's job is never failed for stalling: its schedule would end with it.
local function is_scheduled(id)
    local fields = call('HMGET', P .. id, 'rjk', 'opts')
    if not is_since_6(queue) then
        return decode(fields[2])['repeat']
    end
    return fields[1] and (call('EXISTS', P .. 'repeat:' .. fields[1]) == 1 or call('ZSCORE', P .. 'repeat', fields[1]))
end

local marked = call('SMEMBERS', P .. 'stalled')
if #marked > 0 then
    call('DEL', P .. 'stalled')
end
for _, id in ipairs(marked) do
    if call('EXISTS', P .. id .. ':lock') == 0 and call('LREM', P .. 'active', 1, id) > 0 and call('EXISTS', P .. id) == 1 then
        local count = (whole(call('HGET', P .. id, 'stc')) or 0) + 1
        call('HSET', P .. id, 'stc', count)
        if count > tonumber(ARGV[3]) and not is_scheduled(id) then
            call('HSET', P .. id, 'defa', 'job stalled more than allowable limit')
        end
        push_runnable(queue, id, 0, 'RPUSH')
        call('XADD', queue.events, '*', 'event', 'waiting', 'jobId', id, 'prev', 'active')
        call('XADD', queue.events, '*', 'event', 'stalled', 'jobId', id)
        answer[#answer + 1] = id
    end
end

local active = call('LRANGE', P .. 'active', 0, -1)
for from = 1, #active, 5000 do
    call('SADD', P .. 'stalled', unpack(active, from, math.min(from + 4999, #active)))
end
return answer
