-- Counts one more, and per minute that has begun since the last one: how many there were, newest first, at most `points` numbers.
local function count_finished(metrics, points, now)
    local fields = call('HMGET', metrics, 'prevTS', 'prevCount', 'count')
    local since, count_then, count = whole(fields[1]), tonumber(whole(fields[2]) or 0), tonumber(whole(fields[3]) or 0)
    call('HSET', metrics, 'count', string.format('%.0f', count + 1))
    if not since then
        call('HSET', metrics, 'prevTS', string.format('%.0f', now), 'prevCount', 0)
        return
    end
    local minutes = math.min(math.floor(now / 60000) - math.floor(since / 60000), points)
    if minutes < 1 then
        return
    end
    call('LPUSH', metrics .. ':data', count - count_then)
    for _ = 2, minutes do
        call('LPUSH', metrics .. ':data', 0)
    end
    call('LTRIM', metrics .. ':data', 0, points - 1)
    call('HSET', metrics, 'prevCount', count, 'prevTS', string.format('%.0f', now))
end
