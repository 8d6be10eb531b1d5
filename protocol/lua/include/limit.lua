--- include version
-- How long the rate limit of `max` jobs keeps everybody waiting, in ms; 0: not at all. A counter that is none starts anew.
local function limited_for(queue, max)
    local count = call('GET', queue.prefix .. 'limiter')
    if count and not whole(count) then
        call('DEL', queue.prefix .. 'limiter')
        return 0
    end
    if (tonumber(count) or 0) < max then
        return 0
    end
    local ttl = call('PTTL', queue.prefix .. 'limiter')
    if ttl == 0 then
        call('DEL', queue.prefix .. 'limiter')
    end
    return math.max(ttl, 0)
end

-- This job counts; the first one of a period starts it. BullMQ 6: one that is only going to be failed does not count.
local function count_for_limit(queue, fields, duration)
    if field_of(fields, 'defa') and is_since_6(queue) then
        return
    end
    duration = tonumber(duration) or tonumber(call('HGET', queue.prefix .. 'meta', 'duration'))
    if call('INCR', queue.prefix .. 'limiter') == 1 and duration and math.abs(duration) <= 9007199254740991 then
        call('PEXPIRE', queue.prefix .. 'limiter', math.floor(math.abs(duration)))
    end
end
