--- include queue
--- include enqueue
--- include keys
--- include json
-- Makes a job scheduler with a cron pattern, or makes it anew (BullMQ 5.76: Queue.upsertJobScheduler), and its first job. Returns that job's id,
-- -10: a job of that id is there already, begun or done; or -12: the pattern never fires again. Nothing else is changed in those cases.
-- ARGV: now, scheduler id, name, pattern, zone, data (JSON), options of its jobs (JSON), and when it fires next (ms, or '': never) by the cron-parser of
-- BullMQ 5 and by that of BullMQ 6: the queue's newest client decides.
local queue = open_queue(KEYS[1])
local now, scheduler, data = ARGV[1], ARGV[2], ARGV[6]
local schedulers = queue.prefix .. 'repeat'
local next_ms = given(is_since_6(queue) and 9 or 8)
if not next_ms then
    return -12
end
events_kept(queue)

-- The job that was to come next makes room, unless somebody has begun it.
local function withdraw(id)
    if call('EXISTS', queue.prefix .. id) == 0 or call('ZREM', queue.prefix .. 'delayed', id) == 0 and
        call('ZREM', queue.prefix .. 'prioritized', id) == 0 and
        call('LREM', queue.prefix .. (queue.paused and 'paused' or 'wait'), 1, id) == 0 then
        return false
    end
    local deduplication_id = call('HGET', queue.prefix .. id, 'deid')
    if deduplication_id and call('GET', queue.prefix .. 'de:' .. deduplication_id) == id then
        call('DEL', queue.prefix .. 'de:' .. deduplication_id, queue.prefix .. 'dn:' .. deduplication_id)
    end
    remove_keys(queue.prefix .. id)
    return true
end

local previous = call('ZSCORE', schedulers, scheduler)
local is_withdrawn = previous and withdraw('repeat:' .. scheduler .. ':' .. previous)
local id = 'repeat:' .. scheduler .. ':' .. next_ms
if not is_withdrawn and call('EXISTS', queue.prefix .. id) == 1 then
    return -10
end

local opts = decode(ARGV[7])
local template = cjson.encode(opts)
local key = schedulers .. ':' .. scheduler
local old = call('HMGET', key, 'ic', 'offset')
local fields = { 'name', ARGV[3], 'tz', ARGV[5], 'pattern', ARGV[4], 'ic', old[1] or '1' }
local function add_field(name, value)
    fields[#fields + 1] = name
    fields[#fields + 1] = value
end
if not is_withdrawn then
    add_field('offset', '0')
elseif old[2] then
    add_field('offset', old[2])
end
if template ~= '{}' then
    add_field('opts', template)
end
if data ~= '{}' then
    add_field('data', data)
end
call('ZADD', schedulers, next_ms, scheduler)
call('DEL', key)
call('HSET', key, unpack(fields))

local delay = math.max(next_ms - now, 0)
opts['repeat'] = { pattern = ARGV[4], tz = ARGV[5], count = 1 }
opts.repeatJobKey, opts.jobId = scheduler, id
opts.prevMillis, opts.timestamp, opts.delay = tonumber(next_ms), tonumber(now), delay
local more = { 'rjk', scheduler }
local deduplication_id = type(opts.de) == 'table' and opts.de.id
if deduplication_id then
    more[3], more[4] = 'deid', deduplication_id
end
call('INCR', queue.prefix .. 'id')
enqueue(queue, id, ARGV[3], data, cjson.encode(opts), now, delay, tonumber(opts.priority) or 0, opts.lifo == true, more)
return id
