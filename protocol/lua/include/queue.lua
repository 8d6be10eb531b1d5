-- What every script that moves jobs knows of a queue. On the way of every job, numbers are passed as the strings that they came as: Redis would
-- write them with printf.
local call = redis.call

-- An argument that may be left out. '' stands for such a one in the middle; at the end there is none.
local function given(at)
    local argument = ARGV[at]
    return argument ~= '' and argument or nil
end

-- A queue by the beginning of its keys, as in "bull:backup:", with what its `meta` says.
local function open_queue(prefix)
    local meta = call('HMGET', prefix .. 'meta', 'paused', 'concurrency', 'max', 'opts.maxLenEvents')
    return { prefix = prefix, events = prefix .. 'events', paused = meta[1], concurrency = tonumber(meta[2]), max = tonumber(meta[3]),
        events_kept = meta[4] }
end

-- JSON that somebody else wrote; {} if it is no object.
local function decode(json)
    local ok, value = pcall(cjson.decode, json or '')
    return ok and type(value) == 'table' and value or {}
end

-- A count as somebody else wrote it: its text, or nil if it is none that Redis could add to.
local function whole(text)
    return text and #text <= 16 and string.match(text, '^%d+$') or nil
end

-- Made by BullMQ 6 or later, as the newest Queue object told; its own workers do some things otherwise than those of version 5.
local function is_since_6(queue)
    local version = call('HGET', queue.prefix .. 'meta', 'version')
    return (tonumber(string.match(version or '', '^bullmq:(%d+)')) or 5) >= 6
end

-- No job may become active: a runnable job is then added without waking anybody.
local function is_blocked(queue)
    return queue.paused or (queue.concurrency and call('LLEN', queue.prefix .. 'active') >= queue.concurrency)
end

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

-- BullMQ 5.76: a queue without a usable setting gets the default written down by whoever needs it first.
local function events_kept(queue)
    if not whole(queue.events_kept) then
        queue.events_kept = '10000'
        call('HSET', queue.prefix .. 'meta', 'opts.maxLenEvents', queue.events_kept)
    end
    return queue.events_kept
end

local function trim_events(queue)
    call('XTRIM', queue.events, 'MAXLEN', '~', events_kept(queue))
end

-- An event that makes room for itself.
local function tell(queue, ...)
    call('XADD', queue.events, 'MAXLEN', '~', events_kept(queue), '*', 'event', ...)
end

local function wake_one(queue)
    call('ZADD', queue.prefix .. 'marker', '0', '0')
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
