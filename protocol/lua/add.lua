--- include queue
--- include enqueue
-- Adds a job (BullMQ 5.76: addStandardJob, addDelayedJob, addPrioritizedJob). Returns its id; an id that is there already is left alone, and
-- while another job holds the deduplication id, that one's id is returned, and nothing is added.
-- ARGV: id or '', name, data (JSON), options (JSON), timestamp (ms), delay_ms, priority, lifo ('1' or ''), and what may be left out: deduplication id,
-- for how many ms it is held (until the job's end).
local queue = open_queue(KEYS[1])
local id = ARGV[1]
local counter = call('INCR', queue.prefix .. 'id')
events_kept(queue)
if id == '' then
    id = string.format('%.0f', counter)
elseif call('EXISTS', queue.prefix .. id) == 1 then
    tell(queue, 'duplicated', 'jobId', id)
    return id
end
local more = {}
if given(9) then
    local key = queue.prefix .. 'de:' .. ARGV[9]
    if not (given(10) and call('SET', key, id, 'PX', ARGV[10], 'NX') or not given(10) and call('SET', key, id, 'NX')) then
        local holder = call('GET', key)
        if not is_since_6(queue) then
            tell(queue, 'debounced', 'jobId', holder, 'debounceId', ARGV[9])
        end
        tell(queue, 'deduplicated', 'jobId', holder, 'deduplicationId', ARGV[9], 'deduplicatedJobId', id)
        return holder
    end
    more = { 'deid', ARGV[9] }
end
enqueue(queue, id, ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8] == '1', more)
return id
