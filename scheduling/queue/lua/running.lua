-- running() -> record, "token worker", expiry, record, ... sorted by expiry.
local leases = redis.call('ZRANGE', LEASES, 0, -1, 'WITHSCORES')
local answer = {}
for i = 1, #leases, 2 do
  local text, holder = redis.call('HGET', JOBS, leases[i]), redis.call('HGET', HOLDERS, leases[i])
  if parse(text) and holder then
    answer[#answer + 1] = text
    answer[#answer + 1] = holder
    answer[#answer + 1] = leases[i + 1]
  end
end
return answer
