-- running() -> record, "token worker", expiry, record, ... sorted by expiry.
local leases = redis.call('ZRANGE', LEASES, 0, -1, 'WITHSCORES')
local answer = {}
for i = 1, #leases, 2 do
  answer[#answer + 1] = redis.call('HGET', JOBS, leases[i])
  answer[#answer + 1] = redis.call('HGET', HOLDERS, leases[i])
  answer[#answer + 1] = leases[i + 1]
end
return answer
