-- Leaving `active`. Returns the hash fields asked for, behind `ats`, or nil and the code of BullMQ: -1 the job's hash is gone, -2 its lock is
-- gone, -3 it is not in `active` (the lock is given back), -6 its lock is somebody else's. Nothing else is changed in those cases.
--
-- A lock that vanished (Redis restarted without its last second) is no reason to give up: if the job is still in `active` and in the attempt
-- that we started, nobody else can have it.
local function leave_active(queue, id, token, attempt, ...)
    local key = queue.prefix .. id
    local fields = call('HMGET', key, 'ats', ...)
    if not fields[1] then
        return nil, -1
    end
    local lock = key .. ':lock'
    local holder = call('GET', lock)
    if holder then
        if holder ~= token then
            return nil, -6
        end
        call('DEL', lock)
    elseif fields[1] ~= attempt then
        return nil, -2
    end
    call('SREM', queue.prefix .. 'stalled', id)
    if call('LREM', queue.prefix .. 'active', -1, id) == 0 then
        return nil, holder and -3 or -2
    end
    return fields
end
