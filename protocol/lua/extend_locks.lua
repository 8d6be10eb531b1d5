-- Renews the locks of the jobs that we hold (BullMQ 5.76: extendLocks). Returns { id, token, ... } of those no longer ours.
-- KEYS[1]: the queue's key prefix. ARGV: lock_ms, and packed: { id, token, attempt ('ats'), id, token, attempt, ... }
--
-- A lock that vanished, as with a Redis that restarted without its last second, is taken again while the job is in `active` and in the
-- attempt that we started: nobody else can have it then.
local P = KEYS[1]
local held = cmsgpack.unpack(ARGV[2])
local active
local lost = {}

local function is_active(id)
    if not active then
        active = {}
        for _, member in ipairs(redis.call('LRANGE', P .. 'active', 0, -1)) do
            active[member] = true
        end
    end
    return active[id]
end

for i = 1, #held, 3 do
    local id, token, attempt = held[i], held[i + 1], held[i + 2]
    local lock = P .. id .. ':lock'
    local holder = redis.call('GET', lock)
    if holder == token or (not holder and is_active(id) and redis.call('HGET', P .. id, 'ats') == attempt) then
        redis.call('SET', lock, token, 'PX', ARGV[1])
        redis.call('SREM', P .. 'stalled', id)
    else
        lost[#lost + 1] = id
        lost[#lost + 1] = token
    end
end
return lost
