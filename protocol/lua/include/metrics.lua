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
