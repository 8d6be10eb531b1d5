-- Taking the next job. `now` in ms. Returns { fields, id, 0, 0 } with the hash as it was before this attempt (the caller knows what we write
-- into it), or { 0, 0, limited_ms, next_delayed_ms }: nothing to take, because of a rate limit or until then (0: neither known).

-- Delayed jobs that are due become runnable, the earliest first, at most 1000 in one go.
local function promote(now)
    local due = call('ZRANGEBYSCORE', P .. 'delayed', 0, (now + 1) * 4096 - 1, 'LIMIT', 0, 1000)
    local list = target_list()
    call('ZREM', P .. 'delayed', unpack(due))
    for _, id in ipairs(due) do
        local priority = tonumber(call('HGET', P .. id, 'priority')) or 0
        if priority > 0 then
            push_prioritized(id, priority)
        else
            call('LPUSH', list, id)
        end
        call('XADD', EVENTS, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
        call('HSET', P .. id, 'delay', 0)
    end
    if not is_blocked() then
        wake_one()
    end
end

-- When the earliest delayed job is due, in ms; 0 if there is none.
local function next_delayed()
    local first = call('ZRANGE', P .. 'delayed', 0, 0, 'WITHSCORES')
    return first[2] and math.floor(first[2] / 4096) or 0
end

local function pop_id()
    local id = call('RPOPLPUSH', P .. 'wait', P .. 'active')
    if id then
        return id
    end
    id = call('ZPOPMIN', P .. 'prioritized')[1]
    if id then
        call('LPUSH', P .. 'active', id)
    else
        call('DEL', P .. 'pc')
    end
    return id
end

-- The next id with a hash behind it. Ids whose hash is gone, and the markers "0:..." that very old versions left in `wait`, are dropped.
local function pop_job()
    while true do
        local id = pop_id()
        if not id then
            return nil
        end
        local fields = call('HGETALL', P .. id)
        if #fields > 0 and string.sub(id, 1, 2) ~= '0:' then
            return id, fields
        end
        call('LREM', P .. 'active', 1, id)
    end
end

local function field_of(fields, name)
    for i = 1, #fields, 2 do
        if fields[i] == name then
            return fields[i + 1]
        end
    end
    return nil
end

-- How long the queue's global rate limit keeps everybody waiting, in ms; 0: not at all.
local function limited_for(max)
    if (tonumber(call('GET', P .. 'limiter')) or 0) < max then
        return 0
    end
    local ttl = call('PTTL', P .. 'limiter')
    if ttl == 0 then
        call('DEL', P .. 'limiter')
    end
    return math.max(ttl, 0)
end

local function take(now, token, lock_ms, name)
    local due = next_delayed()
    if due ~= 0 and due <= now then
        promote(now)
        due = next_delayed()
    end
    local max = tonumber(meta[3])
    local limited = max and limited_for(max) or 0
    if limited > 0 then
        return { 0, 0, limited, 0 }
    end
    if is_blocked() then
        return { 0, 0, 0, 0 }
    end
    local id, fields = pop_job()
    if not id then
        return { 0, 0, 0, due }
    end
    if max and not field_of(fields, 'defa') and call('INCR', P .. 'limiter') == 1 and meta[4] then
        call('PEXPIRE', P .. 'limiter', meta[4])
    end
    call('SET', P .. id .. ':lock', token, 'PX', lock_ms)
    call('XADD', EVENTS, '*', 'event', 'active', 'jobId', id, 'prev', 'waiting')
    local attempt = (tonumber(field_of(fields, 'ats')) or 0) + 1
    if name ~= '' then
        call('HSET', P .. id, 'processedOn', string.format('%.0f', now), 'ats', attempt, 'pb', name)
    else
        call('HSET', P .. id, 'processedOn', string.format('%.0f', now), 'ats', attempt)
    end
    wake_one()
    return { fields, id, 0, 0 }
end
