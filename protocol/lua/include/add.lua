--- include enqueue
-- Adds a job, with a new id if it is given ''. Returns its id; an id that is there already is left alone, and while another job holds the
-- deduplication id, that one's id is returned, and nothing is added. `deduplication_ms`: how long it is held; nil: until the job's end.
local function add(queue, id, name, data, opts, timestamp, delay, priority, lifo, more, deduplication_id, deduplication_ms)
    local counter = call('INCR', queue.prefix .. 'id')
    events_kept(queue)
    if id == '' then
        id = string.format('%.0f', counter)
    elseif call('EXISTS', queue.prefix .. id) == 1 then
        tell(queue, 'duplicated', 'jobId', id)
        return id
    end
    if deduplication_id then
        local key = queue.prefix .. 'de:' .. deduplication_id
        if not (deduplication_ms and call('SET', key, id, 'PX', deduplication_ms, 'NX') or not deduplication_ms and call('SET', key, id, 'NX')) then
            local holder = call('GET', key)
            if not is_since_6(queue) then
                tell(queue, 'debounced', 'jobId', holder, 'debounceId', deduplication_id)
            end
            tell(queue, 'deduplicated', 'jobId', holder, 'deduplicationId', deduplication_id, 'deduplicatedJobId', id)
            return holder
        end
        more[#more + 1] = 'deid'
        more[#more + 1] = deduplication_id
    end
    enqueue(queue, id, name, data, opts, timestamp, delay, priority, lifo, more)
    return id
end
