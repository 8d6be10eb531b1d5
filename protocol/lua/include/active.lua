-- All that there may be of a job.
local function add_job_keys(keys, key)
    local last = #keys
    keys[last + 1], keys[last + 2], keys[last + 3] = key, key .. ':logs', key .. ':dependencies'
    keys[last + 4], keys[last + 5], keys[last + 6] = key .. ':processed', key .. ':failed', key .. ':unsuccessful'
end

-- Leaving `active`, for a job whose hash is there. Returns nil, or the code of BullMQ: -2 its lock is gone, -3 it is not in `active` (the lock is
-- given back), -6 its lock is somebody else's. Nothing else is changed in those cases. What left is added to the list `left`, for unlock().
--
-- A lock that vanished (Redis restarted without its last second) is no reason to give up: if the job is still in `active` and in the attempt
-- that we started, nobody else can have it.
local function leave_active(queue, id, token, attempt, left)
    local holder = call('GET', queue.prefix .. id .. ':lock')
    if holder and holder ~= token then
        return -6
    end
    if not holder and call('HGET', queue.prefix .. id, 'ats') ~= attempt then
        return -2
    end
    left[#left + 1] = id
    if call('LREM', queue.prefix .. 'active', '-1', id) == 0 then
        return holder and -3 or -2
    end
end

-- They are nobody's any more, and need not be looked for. The jobs with the keys `removed` go altogether.
local function unlock(queue, left, removed)
    if #left > 0 then
        call('SREM', queue.prefix .. 'stalled', unpack(left))
        for i = 1, #left do
            left[i] = queue.prefix .. left[i] .. ':lock'
        end
        for _, key in ipairs(removed) do
            add_job_keys(left, key)
        end
        call('DEL', unpack(left))
    end
end
