-- What the id and the time of a schedule's next job add to its options, which come without their end; `more`: what else does.
local function finish_options(options, id, now, delay, more)
    return string.format('%s"jobId":%s,"timestamp":%s,"delay":%.0f%s}', options, cjson.encode(id), now, delay, more)
end
