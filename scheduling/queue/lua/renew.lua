-- renew(worker, now, lease seconds, id, token, id, token, ...) -> ids whose token is stale.
local worker, expires = arg(1), later(moment(arg(2)), arg(3))
local lost = {}
for i = 4, num_args, 2 do
  local id, token = arg(i), arg(i + 1)
  if redis.call('HGET', HOLDERS, id) == token .. ' ' .. worker then
    redis.call('ZADD', LEASES, expires, id)
  else
    lost[#lost + 1] = id
  end
end
return lost
