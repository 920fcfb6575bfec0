-- cancel(id) -> 'waiting' or 'running', what it was, or nil where it is not here.
-- Its worker holds a token that nothing matches any more, so its next renew reports it lost.
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
