--- include queue
--- include active
--- include take
-- Moves a job from active to completed or failed and, if asked to, takes the next one (BullMQ 5.76: moveToFinished). Returns what take()
-- returns, or a negative code of leave_active().
-- ARGV: now, id, token, attempt ('ats'), 'completed' or 'failed', the return value or reason, fetch ('1' or ''), lock_ms, worker name or '', and
-- packed: { attempts = n, count = n (-1 all), age = seconds or nil, limit = n, fields = { name, value, ... } }
local now = tonumber(ARGV[1])
local id, token, target, outcome = ARGV[2], ARGV[3], ARGV[5], ARGV[6]
local options = cmsgpack.unpack(ARGV[10])
local failed = target == 'failed'
local finished = P .. target

local function remove_jobs(ids)
    for _, gone in ipairs(ids) do
        local key = P .. gone
        call('DEL', key, key .. ':logs', key .. ':dependencies', key .. ':processed', key .. ':failed', key .. ':unsuccessful')
    end
end

local function remove_older_than(age)
    local oldest_kept = now - age * 1000
    local old = call('ZREVRANGEBYSCORE', finished, oldest_kept, '-inf', 'LIMIT', 0, options.limit)
    remove_jobs(old)
    if #old < options.limit then
        call('ZREMRANGEBYSCORE', finished, '-inf', oldest_kept)
    else
        for _, gone in ipairs(old) do
            call('ZREM', finished, gone)
        end
    end
end

local function keep()
    call('ZADD', finished, now, id)
    call('HSET', P .. id, failed and 'failedReason' or 'returnvalue', outcome, 'finishedOn', ARGV[1], unpack(options.fields))
    if failed then
        call('HDEL', P .. id, 'defa')
    end
    if options.age then
        remove_older_than(options.age)
    end
    if options.count > 0 then
        remove_jobs(call('ZREVRANGE', finished, options.count, -1))
        call('ZREMRANGEBYRANK', finished, 0, -options.count - 1)
    end
end

local fields, refused = leave_active(id, token, ARGV[4], 'atm')
if refused then
    return refused
end
trim_events()
local attempts_made = (tonumber(fields[2]) or 0) + 1
options.fields[#options.fields + 1] = 'atm'
options.fields[#options.fields + 1] = attempts_made
if options.count == 0 then
    remove_jobs({ id })
else
    keep()
end
call('XADD', EVENTS, '*', 'event', target, 'jobId', id, failed and 'failedReason' or 'returnvalue', outcome, 'prev', 'active')
if failed and attempts_made >= options.attempts then
    call('XADD', EVENTS, '*', 'event', 'retries-exhausted', 'jobId', id, 'attemptsMade', attempts_made)
end

local next_job = { 0, 0, 0, 0 }
if ARGV[7] == '1' then
    next_job = take(now, token, ARGV[8], ARGV[9])
end
if next_job[1] == 0 and next_job[3] == 0 and next_job[4] == 0 and call('LLEN', P .. 'wait') == 0 and
    call('LLEN', P .. 'active') == 0 and call('ZCARD', P .. 'prioritized') == 0 then
    call('XADD', EVENTS, '*', 'event', 'drained')
end
return next_job
