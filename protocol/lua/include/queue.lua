-- What every script that moves jobs knows of the queue. KEYS[1] is the queue's key prefix with its final colon, as in "bull:backup:".
local P = KEYS[1]
local call = redis.call
local EVENTS = P .. 'events'

local meta = call('HMGET', P .. 'meta', 'paused', 'concurrency', 'max', 'duration', 'version', 'opts.maxLenEvents')
local paused = meta[1]
local concurrency = tonumber(meta[2])

-- No job may become active: a runnable job is then added without waking anybody.
local function is_blocked()
    return paused or (concurrency and call('LLEN', P .. 'active') >= concurrency)
end

-- The list that runnable jobs go to. BullMQ 5 moves them aside to `paused` while the queue is paused, BullMQ 6 leaves them in `wait`; resuming
-- under 5 overwrites `wait`. So a job goes where the others are, and to where the newest client looks if there are none.
local function target_list()
    if not paused or call('EXISTS', P .. 'paused') == 1 then
        return P .. (paused and 'paused' or 'wait')
    end
    local newest = string.sub(meta[5] or '', 1, 8)
    return P .. ((newest == 'bullmq:6' or call('EXISTS', P .. 'wait') == 1) and 'wait' or 'paused')
end

-- BullMQ 5.76: a queue without the setting gets the default written down by whoever needs it first.
local function events_kept()
    if not meta[6] then
        meta[6] = '10000'
        call('HSET', P .. 'meta', 'opts.maxLenEvents', meta[6])
    end
    return meta[6]
end

local function trim_events()
    call('XTRIM', EVENTS, 'MAXLEN', '~', events_kept())
end

local function wake_one()
    call('ZADD', P .. 'marker', 0, '0')
end

-- Wakes a blocked worker when the earliest delayed job is due.
local function wake_at_next_delayed()
    local first = call('ZRANGE', P .. 'delayed', 0, 0, 'WITHSCORES')
    if first[2] then
        call('ZADD', P .. 'marker', first[2] / 4096, '1')
    end
end

-- Jobs with a priority: the lower number first, within one number in the order of coming.
local function push_prioritized(id, priority)
    call('ZADD', P .. 'prioritized', priority * 4294967296 + call('INCR', P .. 'pc') % 4294967296, id)
end

-- Sets a job to wait until `due` (ms). Several jobs of one millisecond keep their order by the score's low 12 bits.
local function push_delayed(id, due)
    local least = due * 4096
    local last = call('ZREVRANGEBYSCORE', P .. 'delayed', least + 4095, least, 'WITHSCORES', 'LIMIT', 0, 1)
    local score = last[2] and math.min(tonumber(last[2]) + 1, least + 4095) or least
    call('ZADD', P .. 'delayed', score, id)
    call('XADD', EVENTS, 'MAXLEN', '~', events_kept(), '*', 'event', 'delayed', 'jobId', id, 'delay', string.format('%.0f', due))
end
