-- switch_policy(name, bounded, cap, epoch, rev, id, old record, new record, ...) -> {} if the
-- policy is now active; otherwise the records without a score under it, and nothing is changed.
-- The caller then scores these records and tries again, with the old and new record of each.
-- With an epoch and a revision, nothing is changed if the policy was switched after them.
local name, is_bounded, new_cap = arg(1), arg(2), arg(3)
local state = redis.call('HMGET', STATE, 'policy', 'bounded', 'cap', 'policy_rev')
if state[1] == name and state[2] == is_bounded and state[3] == new_cap then return {} end
if arg(4) ~= '' and tonumber(state[4]) > since(arg(4), arg(5)) then return {} end

local rescored = {}
for i = 6, num_args, 3 do
  if redis.call('HGET', JOBS, arg(i)) == arg(i + 1) then rescored[arg(i)] = arg(i + 2) end
end

policy, bounded, swept = name, is_bounded == '1', '-inf'
local placed = {[ORDER] = {}, [URGENT] = {}, [DUE] = {}}
local function collect(key, score, member)
  local pairs_of_key = placed[key]
  pairs_of_key[#pairs_of_key + 1] = score
  pairs_of_key[#pairs_of_key + 1] = member
end

local leased = {}
for _, id in ipairs(redis.call('HKEYS', HOLDERS)) do leased[id] = true end
local unscored = {}
local ids = redis.call('HKEYS', JOBS)
for i, text in ipairs(records_of(ids)) do
  local record = parse(rescored[ids[i]] or text)
  if not record then
    damaged()
  elseif not record.score then
    unscored[#unscored + 1] = text
  elseif not leased[ids[i]] then
    each_place(record, collect)
  end
end
if #unscored > 0 then return unscored end

for id, text in pairs(rescored) do redis.call('HSET', JOBS, id, text) end
for key, scores in pairs(placed) do
  redis.call('DEL', key)
  for first = 1, #scores, CHUNK do
    redis.call('ZADD', key, unpack(scores, first, math.min(first + CHUNK - 1, #scores)))
  end
end
redis.call('HSET', COUNTS, 'due', #placed[DUE] / 2)
redis.call('HSET', STATE, 'policy', name, 'bounded', is_bounded, 'cap', new_cap,
  'swept', swept, 'policy_rev', redis.call('HINCRBY', STATE, 'rev', 1))
return {}
