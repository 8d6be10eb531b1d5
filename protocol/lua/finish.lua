--- include queue
--- include active
--- include take
-- Moves a job from active to completed or failed and, if asked to, takes the next one (BullMQ 5.76: moveToFinished). Returns what take()
-- returns, -1: the job is gone, a code of leave_active(), -4: it has children that are not done yet, or -9: one of them failed.
-- ARGV: now, id, token, attempt ('ats'), 'completed' or 'failed', the return value or reason, attempts made, this one included, attempts (the
-- option), how many to keep (-1 all), fetch ('1' or ''), those of take(), and what may be nil: age in seconds of what to keep, how many to remove by
-- age, points of metrics, stack trace of a failure, deduplication id.
-- What few jobs need is included where it is needed: a script pays for each function that it defines.
local id, target, outcome = ARGV[2], ARGV[5], ARGV[6]
local queue = open_queue(KEYS[1])
local key = queue.prefix .. id
local failed = target == 'failed'
local outcome_field = failed and 'failedReason' or 'returnvalue'

-- What there is of the job, its children and those that failed: only itself, or it cannot complete.
local found = failed and call('EXISTS', key) or call('EXISTS', key, key .. ':dependencies', key .. ':unsuccessful')
if found ~= 1 then
    return call('EXISTS', key) == 0 and -1 or call('EXISTS', key .. ':dependencies') == 1 and -4 or -9
end
local refused = leave_active(queue, id, ARGV[3], ARGV[4])
if refused then
    return refused
end
trim_events(queue)
if given(19) then
    --- include enqueue
    --- include deduplication
    release_deduplication(queue, id, ARGV[19], ARGV[1])
end
local parent_key = call('HGET', key, 'parentKey')
if parent_key then
    --- include parent
    local parent = call('HGET', key, 'parent')
    if failed then
        child_failed(parent, parent_key, key, outcome, tonumber(ARGV[1]))
    else
        child_completed(parent, parent_key, key, outcome, tonumber(ARGV[1]))
    end
end

local count, age = ARGV[9], given(15)
if count == '0' then
    --- include removal
    remove_keys(key)
    if parent_key then
        child_removed(parent_key, key)
    end
else
    local finished = queue.prefix .. target
    call('ZADD', finished, ARGV[1], id)
    if failed then
        call('HSET', key, 'failedReason', outcome, 'finishedOn', ARGV[1], 'atm', ARGV[7], 'stacktrace', ARGV[18])
        call('HDEL', key, 'defa')
    else
        call('HSET', key, 'returnvalue', outcome, 'finishedOn', ARGV[1], 'atm', ARGV[7])
    end
    if count ~= '-1' or age then
        --- include removal
        if age then
            remove_older_than(queue, finished, tonumber(ARGV[1]), tonumber(age), tonumber(ARGV[16]))
        end
        if count ~= '-1' then
            remove_beyond(queue, finished, count)
        end
    end
end
call('XADD', queue.events, '*', 'event', target, 'jobId', id, outcome_field, outcome, 'prev', 'active')
if failed and tonumber(ARGV[7]) >= tonumber(ARGV[8]) then
    call('XADD', queue.events, '*', 'event', 'retries-exhausted', 'jobId', id, 'attemptsMade', ARGV[7])
end
if given(17) then
    --- include metrics
    count_finished(queue.prefix .. 'metrics:' .. target, tonumber(ARGV[17]), tonumber(ARGV[1]))
end

local next_job, is_empty = { 0, 0, 0, 0 }, true
if ARGV[10] == '1' then
    next_job, is_empty = take(queue, ARGV[1], ARGV[3], 11)
end
if is_empty and call('LLEN', queue.prefix .. 'wait') == 0 and call('LLEN', queue.prefix .. 'active') == 0 and
    call('ZCARD', queue.prefix .. 'prioritized') == 0 then
    call('XADD', queue.events, '*', 'event', 'drained')
end
return next_job
