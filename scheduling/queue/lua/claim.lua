-- claim(num, now, worker, token, expires, max_running or '') -> records, best first.
local num, now, holder, expires = tonumber(arg(1)), arg(2), arg(4) .. ' ' .. arg(3), arg(5)
local num_running = redis.call('ZCARD', LEASES)
if cap then num = math.min(num, cap - num_running) end
if arg(6) ~= '' then num = math.min(num, tonumber(arg(6)) - num_running) end
if num < 1 then return {} end
local ids = best(num, now)
local texts = records_of(ids)
for i, id in ipairs(ids) do
  local record = parse(texts[i])
  unplace(record)
  lease(record, id, holder, expires)
  changed(id)
end
return texts
