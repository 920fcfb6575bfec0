-- cancel(id) -> 'waiting' or 'running', or nil if it is not here.
-- The token of its worker becomes stale, so the next renew of that worker reports the id.
local id = arg(1)
local text = redis.call('HGET', JOBS, id)
if not text then return nil end
local record = parse(text)
local was = 'waiting'
if is_leased(id) then
  was = 'running'
  unlease(record, id)
elseif record then
  unplace(record)
else
  damaged()
end
redis.call('HDEL', JOBS, id)
changed(id)
return was
