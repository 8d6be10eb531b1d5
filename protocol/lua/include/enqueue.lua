--- include push
-- Writes a new job down and makes it delayed or runnable. `timestamp` and `delay` in ms, `more`: further hash fields, names and values in turn.
local function enqueue(queue, id, name, data, opts, timestamp, delay, priority, lifo, more)
    call('HSET', queue.prefix .. id, 'name', name, 'data', data, 'opts', opts, 'timestamp', timestamp, 'delay', delay, 'priority', priority,
        unpack(more))
    call('XADD', queue.events, '*', 'event', 'added', 'jobId', id, 'name', name)
    if delay > 0 then
        push_delayed(queue, id, tonumber(timestamp) + delay)
        wake_at_next_delayed(queue)
        return
    end
    push_runnable(queue, id, priority, lifo and 'RPUSH' or 'LPUSH')
    tell(queue, 'waiting', 'jobId', id)
end
