-- release(id, token, old record, new record) -> 1: it waits again; 0: the token is stale;
-- 2: the stored record is not the old record: the caller reads it and tries again.
local id, token, old_text, new_text = arg(1), arg(2), arg(3), arg(4)
if not holds(id, token) then return 0 end
if redis.call('HGET', JOBS, id) ~= old_text then return 2 end
local record = parse(new_text)
if not record.score then return unknown() end
unlease(record, id)
redis.call('HSET', JOBS, id, new_text)
place(record)
changed(id)
return 1
