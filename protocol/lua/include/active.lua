-- Leaving `active`. Returns the hash fields asked for, or nil and the code of BullMQ: -1 the job's hash is gone, -2 its lock is gone,
-- -3 it is not in `active`, -6 its lock is somebody else's. Nothing is changed in those cases.
--
-- A lock that vanished (Redis restarted without its last second) is no reason to give up: if the job is still in `active` and in the attempt
-- that we started, nobody else can have it.
local function leave_active(id, token, attempt, ...)
    local fields = call('HMGET', P .. id, 'ats', ...)
    if not fields[1] then
        return nil, -1
    end
    local lock = P .. id .. ':lock'
    local holder = call('GET', lock)
    if holder and holder ~= token then
        return nil, -6
    end
    if not holder and fields[1] ~= attempt then
        return nil, -2
    end
    if call('LREM', P .. 'active', -1, id) == 0 then
        return nil, holder and -3 or -2
    end
    if holder then
        call('DEL', lock)
    end
    call('SREM', P .. 'stalled', id)
    return fields
end
