-- mend(now, lease seconds) -> how many entries could not be read or did not fit the others.
-- Afterwards all places fit together, whatever they held before. What can be read stays.
local expires = later(moment(arg(1)), arg(2))
local num_wrong = fault() == '' and 0 or 1
local function wrong() num_wrong = num_wrong + 1 end

local records = {}
local all = redis.call('HGETALL', JOBS)
for i = 1, #all, 2 do
  local id, record = all[i], parse(all[i + 1])
  local has_place = record and (record.score or is_leased(id))
  if has_place and string.sub(record.tie, ID_IN_TIE) == id then
    records[id] = record
  else
    redis.call('HDEL', JOBS, id)
    wrong()
  end
end

local leased, holders = {}, redis.call('HGETALL', HOLDERS)
for i = 1, #holders, 2 do
  local id = holders[i]
  if records[id] and string.match(holders[i + 1], '^%S+ .') then
    leased[id] = true
    if not redis.call('ZSCORE', LEASES, id) then
      redis.call('ZADD', LEASES, expires, id)
      wrong()
    end
  else
    redis.call('HDEL', HOLDERS, id)
    wrong()
  end
end
for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
  if not leased[id] then
    redis.call('ZREM', LEASES, id)
    wrong()
  end
end

for id, record in pairs(records) do
  if not leased[id] then
    each_place(record, function(key, score, member)
      local there = redis.call('ZSCORE', key, member)
      if not there or number(there) ~= number(score) then wrong() end
    end)
  end
end
if num_wrong == 0 then return 0 end

swept = '-inf'
redis.call('DEL', ORDER, URGENT, DUE, COUNTS)
for id, record in pairs(records) do
  if leased[id] then
    redis.call('HINCRBY', COUNTS, 'running:' .. record.priority, 1)
  else
    place(record)
  end
end
redis.call('HSET', STATE, 'swept', swept)
redis.call('HDEL', STATE, 'damaged')
return num_wrong
