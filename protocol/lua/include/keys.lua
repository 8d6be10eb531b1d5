-- A job's own keys, but for its lock.
local function remove_keys(key)
    call('DEL', key, key .. ':logs', key .. ':dependencies', key .. ':processed', key .. ':failed', key .. ':unsuccessful')
end
