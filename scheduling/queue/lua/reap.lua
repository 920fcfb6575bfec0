-- reap(now) -> ids whose lease expired, each waiting again with its priority and arrival.
local ids = redis.call('ZRANGEBYSCORE', LEASES, '-inf', arg(1))
for _, id in ipairs(ids) do
  local record = parse(redis.call('HGET', JOBS, id))
  unlease(record, id)
  place(record)
  changed(id)
end
return ids
