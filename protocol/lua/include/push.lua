--- include version
-- Where a job goes that is not active any more, or not yet.

-- The list that runnable jobs go to. BullMQ 5 moves them aside to `paused` while the queue is paused, BullMQ 6 leaves them in `wait`; resuming
-- under 5 overwrites `wait`. So a job goes where the others are, and to where the newest client looks if there are none.
local function target_list(queue)
    local wait, paused = queue.prefix .. 'wait', queue.prefix .. 'paused'
    if not queue.paused then
        return wait
    end
    if call('EXISTS', paused) == 0 and (is_since_6(queue) or call('EXISTS', wait) == 1) then
        return wait
    end
    return paused
end

-- An event that makes room for itself.
local function tell(queue, ...)
    call('XADD', queue.events, 'MAXLEN', '~', events_kept(queue), '*', 'event', ...)
end

local function wake_one_unless_blocked(queue)
    if not is_blocked(queue) then
        wake_one(queue)
    end
end

-- Wakes a blocked worker when the earliest delayed job is due.
local function wake_at_next_delayed(queue)
    local first = call('ZRANGE', queue.prefix .. 'delayed', 0, 0, 'WITHSCORES')
    if first[2] then
        call('ZADD', queue.prefix .. 'marker', first[2] / 4096, '1')
    end
end

-- Jobs with a priority: the lower number first, within one number in the order of coming.
local function push_prioritized(queue, id, priority)
    call('ZADD', queue.prefix .. 'prioritized', priority * 4294967296 + call('INCR', queue.prefix .. 'pc') % 4294967296, id)
end

-- Makes a job runnable: behind the others with `side` LPUSH, in front of them with RPUSH.
local function push_runnable(queue, id, priority, side)
    if priority > 0 then
        push_prioritized(queue, id, priority)
    else
        call(side, target_list(queue), id)
    end
    wake_one_unless_blocked(queue)
end

-- Sets a job to wait until `due` (ms). Several jobs of one millisecond keep their order by the score's low 12 bits.
local function push_delayed(queue, id, due)
    local least = due * 4096
    local last = call('ZREVRANGEBYSCORE', queue.prefix .. 'delayed', least + 4095, least, 'WITHSCORES', 'LIMIT', 0, 1)
    local score = last[2] and math.min(tonumber(last[2]) + 1, least + 4095) or least
    call('ZADD', queue.prefix .. 'delayed', score, id)
    tell(queue, 'delayed', 'jobId', id, 'delay', string.format('%.0f', due))
end
