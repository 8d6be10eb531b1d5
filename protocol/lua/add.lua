--- include queue
--- include enqueue
-- Adds a job (BullMQ 5.76: addStandardJob, addDelayedJob, addPrioritizedJob). Returns its id; an id that is there already is left alone.
-- ARGV: id or '', name, data (JSON), options (JSON), timestamp (ms), delay_ms, priority, lifo ('1' or '').
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
enqueue(queue, id, ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8] == '1', {})
return id
