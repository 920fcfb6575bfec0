-- claim(num, now, worker, token, lease seconds, max_running or '', '1' where the caller asks
-- again) -> expiry, then records, best first.
local num, now = tonumber(arg(1)), moment(arg(2))
local worker, token = arg(3), arg(4)
local holder, expires = token .. ' ' .. worker, later(now, arg(5))
if arg(7) == '1' then return granted_before(holder, expires) end
local num_running = redis.call('ZCARD', LEASES)
if cap then num = math.min(num, cap - num_running) end
if arg(6) ~= '' then num = math.min(num, tonumber(arg(6)) - num_running) end
if num < 1 then return {expires} end
local answer = {expires}
local ids, texts, records = best(num, now)
for i, id in ipairs(ids) do
  unplace(records[i])
  if is_leased(id) then
    damaged() -- it stood here although it runs
  else
    lease(records[i], id, holder, expires)
    answer[#answer + 1] = texts[i]
  end
  changed(id)
end
return answer
