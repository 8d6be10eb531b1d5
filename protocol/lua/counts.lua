--- include queue
-- Counts a queue's jobs by state, writing nothing. Returns { waiting, active, delayed, prioritized, waiting-children, completed, failed, paused (0 or
-- 1) }; of a paused queue, those that wait are counted as waiting, too.
local queue = open_queue(KEYS[1])
local P = queue.prefix
return {
    call('LLEN', P .. 'wait') + call('LLEN', P .. 'paused'), call('LLEN', P .. 'active'), call('ZCARD', P .. 'delayed'), call('ZCARD', P .. 'prioritized'),
    call('ZCARD', P .. 'waiting-children'), call('ZCARD', P .. 'completed'), call('ZCARD', P .. 'failed'), queue.paused and 1 or 0,
}
