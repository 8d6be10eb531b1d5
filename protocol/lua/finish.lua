--- include queue
--- include active
--- include take
-- Moves jobs from active to completed or failed and, if asked to, takes as many others (BullMQ 5.76: moveToFinished, for each of them). Returns a list
-- with an answer for each: what take() answers, -1: the job is gone, a code of leave_active(), -4: it has children that are not done yet, or
-- -9: one of them failed.
-- ARGV: now, fetch ('1' or ''), lock_ms, how many jobs; for each job: id, token, attempt ('ats'), 'completed' or 'failed', the return value or reason, attempts
-- made, this one included, attempts (the option), how many to keep (-1 all), and each of these or '': age in seconds of what to keep, how many to
-- remove by age, stack trace of a failure, deduplication id; then those of take(), and points of metrics or none.
-- What few jobs need is included where it is needed: a script pays for each function that it defines.
local now = ARGV[1]
local behind = 5 + 12 * ARGV[4] -- the jobs
local queue = open_queue(KEYS[1])
local left, removed, tokens = {}, {}, {}

local function finish(at)
    local id, target, outcome = ARGV[at], ARGV[at + 3], ARGV[at + 4]
    local key = queue.prefix .. id
    local failed = target == 'failed'
    local outcome_field = failed and 'failedReason' or 'returnvalue'

    -- What there is of the job (which counts three times), its children and those that failed: only itself, or it cannot complete.
    local found = failed and call('EXISTS', key, key, key) or call('EXISTS', key, key, key, key .. ':dependencies', key .. ':unsuccessful')
    if found ~= 3 then
        return call('EXISTS', key) == 0 and -1 or call('EXISTS', key .. ':dependencies') == 1 and -4 or -9
    end
    local refused = leave_active(queue, id, ARGV[at + 1], ARGV[at + 2], left)
    if refused then
        return refused
    end
    tokens[#tokens + 1] = ARGV[at + 1]
    local deduplication_id, parent_key = given(at + 11), call('HGET', key, 'parentKey')
    local is_to_trim = #tokens == 1
    if is_to_trim and (deduplication_id or parent_key) then
        trim_events(queue)
        is_to_trim = false
    end
    if deduplication_id then
        --- include enqueue
        --- include deduplication
        release_deduplication(queue, id, deduplication_id, now)
    end
    if parent_key then
        --- include parent
        local parent = call('HGET', key, 'parent')
        if failed then
            child_failed(parent, parent_key, key, outcome, tonumber(now))
        else
            child_completed(parent, parent_key, key, outcome, tonumber(now))
        end
    end

    local attempts_made, count, age = ARGV[at + 5], ARGV[at + 7], given(at + 8)
    if count == '0' then
        removed[#removed + 1] = key
        if parent_key then
            --- include removal
            child_removed(parent_key, key)
        end
    else
        local finished = queue.prefix .. target
        call('ZADD', finished, now, id)
        if failed then
            call('HSET', key, 'failedReason', outcome, 'finishedOn', now, 'atm', attempts_made, 'stacktrace', ARGV[at + 10])
            call('HDEL', key, 'defa')
        else
            call('HSET', key, 'returnvalue', outcome, 'finishedOn', now, 'atm', attempts_made)
        end
        if count ~= '-1' or age then
            --- include removal
            if age then
                remove_older_than(queue, finished, tonumber(now), tonumber(age), tonumber(ARGV[at + 9]))
            end
            if count ~= '-1' then
                remove_beyond(queue, finished, count)
            end
        end
    end
    if is_to_trim then
        -- To what it would be trimmed to before this event.
        call('XADD', queue.events, 'MAXLEN', '~', events_kept(queue) + 1, '*', 'event', target, 'jobId', id, outcome_field, outcome, 'prev', 'active')
    else
        call('XADD', queue.events, '*', 'event', target, 'jobId', id, outcome_field, outcome, 'prev', 'active')
    end
    if failed and tonumber(attempts_made) >= tonumber(ARGV[at + 6]) then
        call('XADD', queue.events, '*', 'event', 'retries-exhausted', 'jobId', id, 'attemptsMade', attempts_made)
    end
    local points = given(behind + 3)
    if points then
        --- include metrics
        count_finished(queue.prefix .. 'metrics:' .. target, tonumber(points), tonumber(now))
    end
end

local answers = {}
for at = 5, behind - 1, 12 do
    answers[#answers + 1] = finish(at) or 0
end
unlock(queue, left, removed)

local taken, is_empty = {}, true
if ARGV[2] == '1' then
    taken, is_empty = take(queue, now, tokens, ARGV[3], behind)
end
if is_empty and #tokens > 0 and call('LLEN', queue.prefix .. 'wait') == 0 and call('LLEN', queue.prefix .. 'active') == 0 and
    call('ZCARD', queue.prefix .. 'prioritized') == 0 then
    call('XADD', queue.events, '*', 'event', 'drained')
end
local next_taken = 1
for i = 1, #answers do
    if answers[i] == 0 then
        answers[i] = taken[next_taken] or { 0, 0, 0, 0 }
        next_taken = next_taken + 1
    end
end
return answers
