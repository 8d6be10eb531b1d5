--- include queue
--- include enqueue
--- include iteration
-- Makes the next job of a job scheduler (BullMQ 5.76: updateJobScheduler). Returns its id, or 0: nothing is to follow.
-- ARGV: now, id of the job at hand, scheduler, next (ms) or '', `every` (ms) or '' and offset (ms) as the job has them, name, data (JSON), options (JSON,
-- without their end), priority, and what may be left out: lifo ('1' or ''), deduplication id.
--
-- Only the job that the scheduler stands at makes the next one: whoever takes it again, after a stall or a failure, changes nothing, and a scheduler
-- that was removed or changed meanwhile goes its own way.
local queue = open_queue(KEYS[1])
local now, producer, scheduler = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local key = queue.prefix .. 'repeat:' .. scheduler
local previous = call('ZSCORE', queue.prefix .. 'repeat', scheduler)
if not previous or producer ~= 'repeat:' .. scheduler .. ':' .. previous then
    return 0
end
local name, data, every, offset, count = unpack(call('HMGET', key, 'name', 'data', 'every', 'offset', 'ic'))
local since_6 = is_since_6(queue)

-- Every so many ms after the one before; after missed ones, the next that fits the clock.
local function next_of(interval)
    local following = previous + interval
    if following < now then
        local start = math.floor(now / interval) * interval + (tonumber(offset) or tonumber(ARGV[6]))
        following = since_6 and start > now and start or start + interval
    end
    return string.format('%.0f', math.floor(following))
end

every = tonumber(every) or tonumber(ARGV[5])
local following = every and next_of(every) or ARGV[4]
local id = 'repeat:' .. scheduler .. ':' .. following
if call('EXISTS', queue.prefix .. id) == 1 then
    tell(queue, 'duplicated', 'jobId', id)
    return 0
end
call('HINCRBY', key, 'ic', 1)
call('INCR', queue.prefix .. 'id')
events_kept(queue)
-- BullMQ 5 made schedules without data of their own: it is that of their jobs.
if not data and not (since_6 and count) and ARGV[8] ~= '{}' then
    data = ARGV[8]
    call('HSET', key, 'data', data)
end
-- What could refuse is behind us: a schedule moves on only together with its job.
call('ZADD', queue.prefix .. 'repeat', following, scheduler)
local delay = math.max(following - now, 0)
local more_options = ',"repeatJobKey":' .. cjson.encode(scheduler) .. (ARGV[4] ~= '' and ',"prevMillis":' .. ARGV[4] or '')
local more = given(12) and { 'rjk', scheduler, 'deid', ARGV[12] } or { 'rjk', scheduler }
enqueue(queue, id, name or ARGV[7], data or '{}', finish_options(ARGV[9], id, ARGV[1], delay, more_options), ARGV[1], delay, tonumber(ARGV[10]),
    ARGV[11] == '1', more)
if not since_6 and call('EXISTS', queue.prefix .. producer) == 1 then
    call('HSET', queue.prefix .. producer, 'nrjid', id)
end
return id
