-- What stays of finished jobs.

local function remove_keys(key)
    call('DEL', key, key .. ':logs', key .. ':dependencies', key .. ':processed', key .. ':failed', key .. ':unsuccessful')
end

-- Old ones make room. One that failed without a word to its parent is no longer waited for.
local function remove_jobs(queue, ids)
    for _, id in ipairs(ids) do
        local key = queue.prefix .. id
        local parent = call('HGET', key, 'parentKey')
        if parent and parent ~= '' and call('EXISTS', parent) == 1 then
            child_removed(parent, key)
        end
        remove_keys(key)
    end
end

-- Older than `age` seconds, the newest of them first, at most `limit` of them.
local function remove_older_than(queue, finished, now, age, limit)
    local oldest_kept = now - age * 1000
    local old = call('ZREVRANGEBYSCORE', finished, oldest_kept, '-inf', 'LIMIT', 0, limit)
    remove_jobs(queue, old)
    if #old < limit then
        call('ZREMRANGEBYSCORE', finished, '-inf', oldest_kept)
    else
        for _, id in ipairs(old) do
            call('ZREM', finished, id)
        end
    end
end

local function remove_beyond(queue, finished, count)
    remove_jobs(queue, call('ZREVRANGE', finished, count, -1))
    call('ZREMRANGEBYRANK', finished, 0, -count - 1)
end

-- Counts one more, and per minute that has begun since the last one: how many there were, newest first, at most `points` numbers.
local function count_finished(metrics, points, now)
    local fields = call('HMGET', metrics, 'prevTS', 'prevCount')
    local count = call('HINCRBY', metrics, 'count', 1) - 1
    if not fields[1] then
        call('HSET', metrics, 'prevTS', string.format('%.0f', now), 'prevCount', 0)
        return
    end
    local minutes = math.min(math.floor(now / 60000) - math.floor(fields[1] / 60000), points)
    if minutes < 1 then
        return
    end
    call('LPUSH', metrics .. ':data', count - fields[2])
    for _ = 2, minutes do
        call('LPUSH', metrics .. ':data', 0)
    end
    call('LTRIM', metrics .. ':data', 0, points - 1)
    call('HSET', metrics, 'prevCount', count, 'prevTS', string.format('%.0f', now))
end
