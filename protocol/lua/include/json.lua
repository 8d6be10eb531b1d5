-- JSON that somebody else wrote; {} if it is no object.
local function decode(json)
    local ok, value = pcall(cjson.decode, json or '')
    return ok and type(value) == 'table' and value or {}
end
