--- include queue
-- Tells how a queue stands. Writes nothing. Returns { version or nil, paused (0 or 1), counts, active jobs, schedulers }: the counts are those of waiting
-- (also in `paused`), prioritized, delayed, waiting-children, active, completed and failed; each job is { id, name, data or nil, processedOn, worker's
-- name, lock's token, ms of the lock that are left (-2: none), progress, ats }; each scheduler { id, next (ms), pattern, zone }.
-- ARGV: how many active jobs and how many schedulers are listed at most; how long a text may be, or it is left out.
local queue = open_queue(KEYS[1])
local most, longest = tonumber(ARGV[1]), tonumber(ARGV[2])

local function bounded(text)
    return text and #text <= longest and text
end

local counts = { call('LLEN', queue.prefix .. 'wait') + call('LLEN', queue.prefix .. 'paused') }
for _, set in ipairs({ 'prioritized', 'delayed', 'waiting-children' }) do
    counts[#counts + 1] = call('ZCARD', queue.prefix .. set)
end
counts[#counts + 1] = call('LLEN', queue.prefix .. 'active')
for _, set in ipairs({ 'completed', 'failed' }) do
    counts[#counts + 1] = call('ZCARD', queue.prefix .. set)
end

local jobs = {}
for _, id in ipairs(call('LRANGE', queue.prefix .. 'active', 0, most - 1)) do
    local key = queue.prefix .. id
    local fields = call('HMGET', key, 'name', 'data', 'processedOn', 'pb', 'progress', 'ats')
    jobs[#jobs + 1] = { id, bounded(fields[1]), bounded(fields[2]), fields[3], bounded(fields[4]), call('GET', key .. ':lock'),
        call('PTTL', key .. ':lock'), bounded(fields[5]), fields[6] }
end

local schedulers, key = {}, queue.prefix .. 'repeat'
local members = call('ZRANGE', key, 0, most - 1, 'WITHSCORES')
for i = 1, #members, 2 do
    local fields = call('HMGET', key .. ':' .. members[i], 'pattern', 'tz')
    schedulers[#schedulers + 1] = { members[i], members[i + 1], bounded(fields[1]), bounded(fields[2]) }
end
local version = call('HGET', queue.prefix .. 'meta', 'version')
return { version, queue.paused and 1 or 0, counts, jobs, schedulers }
