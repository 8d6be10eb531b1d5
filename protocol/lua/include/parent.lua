--- include push
--- include json
-- Flows: what the end of a child means for its parent, which may be a job of another queue. Keys of jobs are whole here: "bull:backup:7".

-- The parent's turn has come: its last child is done, or need not be waited for.
local function release_parent(prefix, id, now)
    local queue = open_queue(prefix)
    local fields = call('HMGET', prefix .. id, 'priority', 'delay')
    local delay = tonumber(fields[2]) or 0
    if delay > 0 then
        local due = now + delay
        call('ZADD', prefix .. 'delayed', due * 4096, id)
        call('XADD', queue.events, '*', 'event', 'delayed', 'jobId', id, 'delay', string.format('%.0f', due))
        wake_at_next_delayed(queue)
        return
    end
    push_runnable(queue, id, tonumber(fields[1]) or 0, 'RPUSH')
    call('XADD', queue.events, '*', 'event', 'waiting', 'jobId', id, 'prev', 'waiting-children')
end

local function release_parent_if_waiting(prefix, id, now)
    if call('EXISTS', prefix .. id) == 1 and call('ZREM', prefix .. 'waiting-children', id) == 1 then
        release_parent(prefix, id, now)
    end
end

local function release_parent_if_childless(prefix, id, now)
    if call('SCARD', prefix .. id .. ':dependencies') == 0 then
        release_parent_if_waiting(prefix, id, now)
    end
end

-- failParentOnFailure: whoever takes the parent next fails it with this reason instead of running it.
local function fail_parent(prefix, id, child, now)
    if call('EXISTS', prefix .. id) == 0 then
        return
    end
    local is_released = call('ZREM', prefix .. 'waiting-children', id) == 1
    if not is_released and call('ZREM', prefix .. 'delayed', id) == 1 then
        call('HSET', prefix .. id, 'delay', 0)
        is_released = true
    end
    if is_released or not call('ZSCORE', prefix .. 'failed', id) then
        call('HSET', prefix .. id, 'defa', 'child ' .. child .. ' failed')
    end
    if is_released then
        release_parent(prefix, id, now)
    end
end

-- Where the parent is, from the child's fields `parent` (JSON, decoded) and `parentKey`: BullMQ always writes both, but the first came later.
local function parent_of(link, key)
    local prefix, id = link.queueKey, link.id
    if type(prefix) == 'string' and type(id) == 'string' and prefix .. ':' .. id == key then
        return prefix .. ':', id
    end
    return string.match(key, '^(.-)([^:]*)$')
end

local function child_completed(link, key, child, returnvalue, now)
    if call('SREM', key .. ':dependencies', child) == 0 then
        return
    end
    call('HSET', key .. ':processed', child, returnvalue)
    local prefix, id = parent_of(decode(link), key)
    release_parent_if_childless(prefix, id, now)
end

-- fpof failParentOnFailure, cpof continueParentOnFailure, idof ignoreDependencyOnFailure, rdof removeDependencyOnFailure; with none of
-- them the parent goes on waiting.
local function child_failed(link, key, child, reason, now)
    local parent = decode(link)
    if not (parent.fpof or parent.cpof or parent.idof or parent.rdof) then
        return
    end
    local prefix, id = parent_of(parent, key)
    if call('SREM', key .. ':dependencies', child) == 0 then
        return
    end
    if parent.fpof then
        call('ZADD', key .. ':unsuccessful', now, child)
        fail_parent(prefix, id, child, now)
    elseif parent.cpof then
        call('HSET', key .. ':failed', child, reason)
        release_parent_if_waiting(prefix, id, now)
    else
        release_parent_if_childless(prefix, id, now)
        if parent.idof then
            call('HSET', key .. ':failed', child, reason)
        end
    end
end
