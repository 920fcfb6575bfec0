-- reap(now) -> ids with an expired lease. They wait again, with their priority and arrival.
local ids = redis.call('ZRANGEBYSCORE', LEASES, '-inf', arg(1))
for _, id in ipairs(ids) do
  local record = parse(redis.call('HGET', JOBS, id))
  unlease(record, id)
  place(record)
  changed(id)
end
return ids
