-- replace_all(epoch, rev, id, record, id, record, ...) -> {added, removed, updated}.
-- Makes what waits equal what is given. Whatever runs is left alone, and with an epoch and a
-- revision so is whatever changed after them.
local known_until = arg(1) ~= '' and since(arg(1), arg(2))
local function is_ours(id)
  if is_leased(id) then return false end
  return not known_until or tonumber(redis.call('ZSCORE', CHANGES, id) or 0) <= known_until
end

local ids = redis.call('HKEYS', JOBS)
local present = {}
for i, text in ipairs(records_of(ids)) do present[ids[i]] = text end

local function take_out(id)
  local record = parse(present[id])
  if record then unplace(record) else damaged() end
end

local given, wrong = {}, {}
for i = 3, num_args, 2 do
  local id, text = arg(i), arg(i + 1)
  given[id] = true
  if present[id] ~= text and is_ours(id) then
    local record = parse(text)
    if not record.score then return unknown() end
    wrong[#wrong + 1] = {id, text, record}
  end
end

local num_removed, num_updated = 0, 0
for _, id in ipairs(ids) do
  if not given[id] and is_ours(id) then
    take_out(id)
    redis.call('HDEL', JOBS, id)
    changed(id)
    num_removed = num_removed + 1
  end
end
for _, each in ipairs(wrong) do
  local id, text, record = unpack(each)
  if present[id] then
    take_out(id)
    num_updated = num_updated + 1
  end
  redis.call('HSET', JOBS, id, text)
  place(record)
  changed(id)
end
return {#wrong - num_updated, num_removed, num_updated}
