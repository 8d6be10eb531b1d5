--- include json
-- The end of a job that others were held back for (field `deid`). Without a time to live of its own, the id is free again; and what came
-- last in the meantime (keepLastIfActive) becomes the next job.
local function release_deduplication(queue, id, deduplication_id, now)
    local key = queue.prefix .. 'de:' .. deduplication_id
    local ttl = call('PTTL', key)
    if ttl == 0 or (ttl == -1 and call('GET', key) == id) then
        call('DEL', key)
    end

    local kept = queue.prefix .. 'dn:' .. deduplication_id
    local fields = call('HMGET', kept, 'name', 'data', 'opts', 'pk', 'pd', 'pdk', 'rjk', 'jid')
    if not fields[3] then
        return
    end
    local next_id = string.format('%.0f', call('INCR', queue.prefix .. 'id'))
    if fields[8] then
        next_id = fields[8]
    end
    local opts = decode(fields[3])
    local deduplication = type(opts.de) == 'table' and opts.de or {}
    local next_ttl = math.floor(tonumber(deduplication.ttl) or 0)
    if next_ttl >= 1 and next_ttl <= 9007199254740991 and not deduplication.keepLastIfActive then
        call('SET', key, next_id, 'PX', next_ttl)
    else
        call('SET', key, next_id)
    end
    local more = {}
    local function add_field(name, value)
        if type(value) == 'string' then
            more[#more + 1] = name
            more[#more + 1] = value
        end
    end
    add_field('parentKey', fields[4])
    add_field('parent', fields[5])
    add_field('rjk', fields[7])
    add_field('deid', deduplication.id)
    enqueue(queue, next_id, fields[1] or '', fields[2] or '{}', fields[3], now, tonumber(opts.delay) or 0, tonumber(opts.priority) or 0,
        opts.lifo == true, more)
    if fields[6] then
        call('SADD', fields[6], queue.prefix .. next_id)
    end
    call('DEL', kept)
end
