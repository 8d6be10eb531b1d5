-- Made by BullMQ 6 or later, as the newest Queue object told; its own workers do some things otherwise than those of version 5.
local function is_since_6(queue)
    local version = call('HGET', queue.prefix .. 'meta', 'version')
    return (tonumber(string.match(version or '', '^bullmq:(%d+)')) or 5) >= 6
end
