--- include queue
--- include active
--- include take
--- include enqueue
--- include deduplication
--- include parent
--- include finished
-- Moves a job from active to completed or failed and, if asked to, takes the next one (BullMQ 5.76: moveToFinished). Returns what take()
-- returns, a code of leave_active(), -4: it has children that are not done yet, or -9: one of them failed.
-- ARGV: now, id, token, attempt ('ats'), 'completed' or 'failed', the return value or reason, stack trace or '' for none, attempts (the option), what
-- to keep: count (-1 all), age in seconds or '', limit; points of metrics or ''; fetch ('1' or ''), then those of take().
local now, id, target, outcome = tonumber(ARGV[1]), ARGV[2], ARGV[5], ARGV[6]
local queue = open_queue(KEYS[1])
local key = queue.prefix .. id
local failed = target == 'failed'
local outcome_field = failed and 'failedReason' or 'returnvalue'

if not failed and call('EXISTS', key .. ':dependencies', key .. ':unsuccessful') > 0 then
    return call('EXISTS', key .. ':dependencies') == 1 and -4 or -9
end
local fields, refused = leave_active(queue, id, ARGV[3], ARGV[4], 'atm', 'deid', 'parentKey', 'parent')
if refused then
    return refused
end
local deduplication_id, parent_key = fields[3], fields[4]
local has_parent = parent_key and parent_key ~= ''
trim_events(queue)
if deduplication_id then
    release_deduplication(queue, id, deduplication_id, now)
end
if failed then
    child_failed(fields[5], key, outcome, now)
elseif has_parent then
    child_completed(fields[5], parent_key, key, outcome, now)
end

local attempts_made = (tonumber(fields[2]) or 0) + 1
local count = tonumber(ARGV[9])
if count == 0 then
    remove_keys(key)
    if has_parent then
        child_removed(parent_key, key)
    end
else
    local finished = queue.prefix .. target
    call('ZADD', finished, ARGV[1], id)
    call('HSET', key, outcome_field, outcome, 'finishedOn', ARGV[1], 'atm', attempts_made)
    if failed then
        call('HSET', key, 'stacktrace', ARGV[7])
        call('HDEL', key, 'defa')
    end
    if ARGV[10] ~= '' then
        remove_older_than(queue, finished, now, tonumber(ARGV[10]), tonumber(ARGV[11]))
    end
    if count > 0 then
        remove_beyond(queue, finished, count)
    end
end
call('XADD', queue.events, '*', 'event', target, 'jobId', id, outcome_field, outcome, 'prev', 'active')
if failed and attempts_made >= tonumber(ARGV[8]) then
    call('XADD', queue.events, '*', 'event', 'retries-exhausted', 'jobId', id, 'attemptsMade', attempts_made)
end
if ARGV[12] ~= '' then
    count_finished(queue.prefix .. 'metrics:' .. target, tonumber(ARGV[12]), now)
end

local next_job, is_empty = { 0, 0, 0, 0 }, true
if ARGV[13] == '1' then
    next_job, is_empty = take(queue, now, ARGV[3], 14)
end
if is_empty and call('LLEN', queue.prefix .. 'wait') == 0 and call('LLEN', queue.prefix .. 'active') == 0 and
    call('ZCARD', queue.prefix .. 'prioritized') == 0 then
    call('XADD', queue.events, '*', 'event', 'drained')
end
return next_job
