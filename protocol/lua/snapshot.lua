--- include queue
-- Reads what there is of a queue: its schedulers, and its jobs that are not done or have failed. Writes nothing. Returns { version or nil, paused (0
-- or 1), complete (0 or 1), schedulers, jobs }; each scheduler { id, next (ms), { field, value, ... }, pending job or nil }, the pending job { id, state,
-- data or nil }; each job { id, name, state, data or nil, timestamp or nil, failedReason or nil }.
-- It is complete without failed jobs that there are more of.
-- ARGV: how many schedulers, and how many jobs of each state, at most; how long a job's data may be, or it is left out; how long all of it may be.
local queue = open_queue(KEYS[1])
local most, longest, room = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local complete, state_of, jobs, schedulers = 1, {}, {}, {}

-- As much as there is room for.
local function bounded(text)
    if not text or #text > longest then
        return false
    end
    room = room - #text
    if room < 0 then
        complete = 0
        return false
    end
    return text
end

local function add_jobs(state, ids, count)
    if count > #ids and state ~= 'failed' then
        complete = 0
    end
    for _, id in ipairs(ids) do
        local fields = call('HMGET', queue.prefix .. id, 'name', 'data', 'timestamp', 'failedReason')
        if fields[1] then
            state_of[id] = state
            jobs[#jobs + 1] = { id, bounded(fields[1]) or '', state, bounded(fields[2]), fields[3], state == 'failed' and bounded(fields[4]) }
        end
    end
end

for _, list in ipairs({ 'wait', 'paused', 'active' }) do
    local key = queue.prefix .. list
    add_jobs(list == 'wait' and 'waiting' or list, call('LRANGE', key, 0, most - 1), call('LLEN', key))
end
for _, state in ipairs({ 'prioritized', 'delayed', 'waiting-children', 'failed' }) do
    local key = queue.prefix .. state
    add_jobs(state, call('ZREVRANGE', key, 0, most - 1), call('ZCARD', key))
end

local function state_beyond(id)
    for _, state in ipairs({ 'completed', 'failed', 'delayed', 'prioritized', 'waiting-children' }) do
        if call('ZSCORE', queue.prefix .. state, id) then
            return state
        end
    end
    return 'unknown'
end

local function pending_job(id)
    local key = queue.prefix .. id
    return call('EXISTS', key) == 1 and { id, state_of[id] or state_beyond(id), bounded(call('HGET', key, 'data')) }
end

local key = queue.prefix .. 'repeat'
local members = call('ZRANGE', key, 0, most - 1, 'WITHSCORES')
if call('ZCARD', key) > most then
    complete = 0
end
for i = 1, #members, 2 do
    local id, next_ms = members[i], members[i + 1]
    local fields = {}
    for _, text in ipairs(call('HGETALL', key .. ':' .. id)) do
        fields[#fields + 1] = bounded(text) or ''
    end
    schedulers[#schedulers + 1] = { id, next_ms, fields, pending_job('repeat:' .. id .. ':' .. next_ms) }
end
local version = call('HGET', queue.prefix .. 'meta', 'version')
return { version, queue.paused and 1 or 0, complete, schedulers, jobs }
