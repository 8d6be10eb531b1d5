-- Leaving `active`, for a job whose hash is there. Returns nil, or the code of BullMQ: -2 its lock is gone, -3 it is not in `active` (the lock is
-- given back), -6 its lock is somebody else's. Nothing else is changed in those cases.
--
-- A lock that vanished (Redis restarted without its last second) is no reason to give up: if the job is still in `active` and in the attempt
-- that we started, nobody else can have it.
local function leave_active(queue, id, token, attempt)
    local key = queue.prefix .. id
    local lock = key .. ':lock'
    local holder = call('GET', lock)
    if holder == token then
        call('DEL', lock)
    elseif holder then
        return -6
    elseif call('HGET', key, 'ats') ~= attempt then
        return -2
    end
    call('SREM', queue.prefix .. 'stalled', id)
    if call('LREM', queue.prefix .. 'active', '-1', id) == 0 then
        return holder and -3 or -2
    end
end
