-- enqueue(id, record) -> 1, or 0 if the id waits or runs already.
local id, text = arg(1), arg(2)
if redis.call('HEXISTS', JOBS, id) == 1 then return 0 end
local record = parse(text)
if not record.score then return unknown() end
redis.call('HSET', JOBS, id, text)
place(record)
changed(id)
return 1
