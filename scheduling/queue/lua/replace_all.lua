-- replace_all(epoch, rev, id, record, id, record, ...) -> {added, removed, updated}.
-- Replaces the waiting requests by the given ones. Running requests stay. With an epoch and a
-- revision, requests that changed after them also stay.
local at_revision = arg(1) ~= '' and since(arg(1), arg(2))
local function is_replaceable(id)
  if is_leased(id) then return false end
  return not at_revision or tonumber(redis.call('ZSCORE', CHANGES, id) or 0) <= at_revision
end

local ids = redis.call('HKEYS', JOBS)
local present = {}
for i, text in ipairs(records_of(ids)) do present[ids[i]] = text end

local function take_out(id)
  local record = parse(present[id])
  if record then unplace(record) else damaged() end
end

local given, pushed = {}, {}
for i = 3, num_args, 2 do
  local id, text = arg(i), arg(i + 1)
  given[id] = true
  if present[id] ~= text and is_replaceable(id) then
    local record = parse(text)
    if not record.score then return unknown() end
    pushed[#pushed + 1] = {id, text, record}
  end
end

local num_removed, num_updated = 0, 0
for _, id in ipairs(ids) do
  if not given[id] and is_replaceable(id) then
    take_out(id)
    redis.call('HDEL', JOBS, id)
    changed(id)
    num_removed = num_removed + 1
  end
end
for _, each in ipairs(pushed) do
  local id, text, record = unpack(each)
  if present[id] then
    take_out(id)
    num_updated = num_updated + 1
  end
  redis.call('HSET', JOBS, id, text)
  place(record)
  changed(id)
end
return {#pushed - num_updated, num_removed, num_updated}
