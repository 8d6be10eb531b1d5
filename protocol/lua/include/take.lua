-- Taking jobs. take() returns a list of answers: { fields, id, 0, version } with the hash as it was before this attempt (the caller knows what we write
-- into it) and, if a job scheduler made it, the version of the BullMQ that keeps it (5 or 6; else 0), or { 0, 0, limited_ms, next_delayed_ms }: nothing
-- to take, because of a rate limit or until then (0: neither known). And true as the second value if there really is nothing left, now or later, that
-- this queue would let anybody take.

-- Delayed jobs that are due become runnable, the earliest first, at most 1000 in one go.
local function promote(queue, now)
    --- include push
    local due = call('ZRANGEBYSCORE', queue.prefix .. 'delayed', '-inf', (now + 1) * 4096 - 1, 'LIMIT', 0, 1000)
    local list = target_list(queue)
    call('ZREM', queue.prefix .. 'delayed', unpack(due))
    for _, id in ipairs(due) do
        local priority = tonumber(call('HGET', queue.prefix .. id, 'priority')) or 0
        if priority > 0 then
            push_prioritized(queue, id, priority)
        else
            call('LPUSH', list, id)
        end
        call('XADD', queue.events, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
        call('HSET', queue.prefix .. id, 'delay', 0)
    end
    wake_one_unless_blocked(queue)
end

-- When the earliest delayed job is due, in ms; 0 if there is none. A score may be anything, even infinite, and the caller sends the result.
local function earliest_due(queue)
    local first = call('ZRANGE', queue.prefix .. 'delayed', '0', '0', 'WITHSCORES')
    return first[2] and math.max(1, math.min(math.floor(first[2] / 4096), 9007199254740991)) or 0
end

-- The same, once those that are due by now have become runnable.
local function next_delayed(queue, now)
    local due = earliest_due(queue)
    if due == 0 or due > now then
        return due
    end
    promote(queue, now)
    return earliest_due(queue)
end

local function pop_id(queue)
    local id = call('RPOPLPUSH', queue.prefix .. 'wait', queue.prefix .. 'active')
    if id then
        return id
    end
    id = call('ZPOPMIN', queue.prefix .. 'prioritized')[1]
    if id then
        call('LPUSH', queue.prefix .. 'active', id)
    else
        call('DEL', queue.prefix .. 'pc')
    end
    return id
end

local function field_of(fields, name)
    for i = 1, #fields, 2 do
        if fields[i] == name then
            return fields[i + 1]
        end
    end
    return nil
end

-- The next id with a job behind it. Ids whose hash is gone, and the markers "0:..." that very old versions left in `wait`, are dropped.
local function pop_job(queue)
    while true do
        local id = pop_id(queue)
        if not id then
            return nil
        end
        local fields = call('HGETALL', queue.prefix .. id)
        if field_of(fields, 'name') then
            return id, fields
        end
        call('LREM', queue.prefix .. 'active', 1, id)
    end
end

local function take_one(queue, now, token, lock_ms, at, due)
    local max = queue.max or tonumber(ARGV[at + 1])
    if max then
        --- include limit
        local limited = limited_for(queue, max)
        if limited > 0 then
            return { 0, 0, limited, 0 }
        end
    end
    if is_blocked(queue) then
        return { 0, 0, 0, 0 }
    end
    local id, fields = pop_job(queue)
    if not id then
        return { 0, 0, 0, due }, due == 0
    end
    if max then
        --- include limit
        count_for_limit(queue, fields, ARGV[at + 2])
    end
    call('SET', queue.prefix .. id .. ':lock', token, 'PX', lock_ms)
    call('XADD', queue.events, '*', 'event', 'active', 'jobId', id, 'prev', 'waiting')
    local started = field_of(fields, 'ats')
    local attempt = whole(started) and started + 1 or '1'
    local name = given(at)
    if name then
        call('HSET', queue.prefix .. id, 'processedOn', now, 'ats', attempt, 'pb', name)
    else
        call('HSET', queue.prefix .. id, 'processedOn', now, 'ats', attempt)
    end
    local scheduler = field_of(fields, 'rjk')
    if scheduler and call('HEXISTS', queue.prefix .. 'repeat:' .. scheduler, 'ic') == 1 then
        --- include version
        return { fields, id, 0, is_since_6(queue) and 6 or 5 }
    end
    return { fields, id, 0, 0 }
end

-- A job for each token. `now` in ms, as text. From ARGV[at] on, what may be left out: worker name, and this worker's own rate limit, jobs and duration in
-- ms. BullMQ 5.76: the queue's own number of jobs wins over the worker's, the worker's duration over the queue's.
local function take(queue, now, tokens, lock_ms, at)
    local due = next_delayed(queue, tonumber(now))
    local answers, none, is_empty = {}, nil, nil
    for i = 1, #tokens do
        if not none then
            answers[i], is_empty = take_one(queue, now, tokens[i], lock_ms, at, due)
            none = answers[i][1] == 0 and answers[i]
        else
            answers[i] = none
        end
    end
    if answers[1] and answers[1] ~= none then
        wake_one(queue)
    end
    return answers, is_empty
end
