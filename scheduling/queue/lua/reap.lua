-- reap(now) -> id, token, id, token, ... of expired leases. The requests wait again, with their
-- priority and arrival.
local ids = redis.call('ZRANGEBYSCORE', LEASES, '-inf', moment(arg(1)))
local answer = {}
for _, id in ipairs(ids) do
  local holder = redis.call('HGET', HOLDERS, id) or ''
  local record = parse(redis.call('HGET', JOBS, id))
  unlease(record, id)
  if record then place(record) end
  changed(id)
  answer[#answer + 1] = id
  answer[#answer + 1] = string.match(holder, '^%S*')
end
return answer
