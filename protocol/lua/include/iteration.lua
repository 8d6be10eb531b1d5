-- What the id and the time of a schedule's next job add to its options, which come without their end. `previous`: `prevMillis`, or nil.
local function finish_options(options, id, schedule, now, delay, previous)
    return string.format('%s"jobId":%s,"repeatJobKey":%s,"timestamp":%s,"delay":%.0f%s}', options, cjson.encode(id), cjson.encode(schedule), now,
        delay, previous and ',"prevMillis":' .. previous or '')
end
