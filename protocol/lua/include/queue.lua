-- What every script knows of a queue. On the way of every job, numbers are passed as the strings that they came as: Redis would write them with
-- printf.
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

-- A count as somebody else wrote it: its text, or nil if it is none that Redis could add to.
local function whole(text)
    return text and #text > 0 and #text <= 16 and not string.find(text, '%D') and text or nil
end

-- No job may become active: a runnable job is then added without waking anybody.
local function is_blocked(queue)
    return queue.paused or (queue.concurrency and call('LLEN', queue.prefix .. 'active') >= queue.concurrency)
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

local function wake_one(queue)
    call('ZADD', queue.prefix .. 'marker', '0', '0')
end
