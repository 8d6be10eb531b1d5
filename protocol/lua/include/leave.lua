--- include active
-- Leaving `active` by itself. Returns nil, -1: the job is gone, or a code of leave_active().
local function leave(queue, id, token, attempt)
    if call('EXISTS', queue.prefix .. id) == 0 then
        return -1
    end
    local left = {}
    local refused = leave_active(queue, id, token, attempt, left)
    unlock(queue, left, {})
    return refused
end
