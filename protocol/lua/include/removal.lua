--- include push
--- include keys
-- What stays of finished jobs.

-- Nobody needs to wait for a child that is removed. BullMQ 5.76: its parent becomes runnable at once then, whatever its priority and delay.
local function child_removed(key, child)
    if call('SREM', key .. ':dependencies', child) == 0 or call('SCARD', key .. ':dependencies') > 0 then
        return
    end
    local prefix, id = string.match(key, '^(.*:)(.*)$')
    if call('ZREM', prefix .. 'waiting-children', id) == 1 then
        local queue = open_queue(prefix)
        push_runnable(queue, id, 0, 'RPUSH')
        call('XADD', queue.events, '*', 'event', 'waiting', 'jobId', id, 'prev', 'waiting-children')
    end
end

-- Old ones make room. One that failed without a word to its parent is no longer waited for.
local function remove_jobs(queue, ids)
    for _, id in ipairs(ids) do
        local key = queue.prefix .. id
        local parent = call('HGET', key, 'parentKey')
        if parent and parent ~= '' and call('EXISTS', parent) == 1 then
            child_removed(parent, key)
        end
        local keys = {}
        add_job_keys(keys, key)
        call('DEL', unpack(keys))
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
    call('ZREMRANGEBYRANK', finished, '0', -count - 1)
end
