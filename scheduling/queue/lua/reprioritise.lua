-- reprioritise(id, old record, new record) -> 1: done; 0: it is not here; 2: the stored record
-- is not the old record: the caller reads it and tries again.
local id, old_text, new_text = arg(1), arg(2), arg(3)
local text = redis.call('HGET', JOBS, id)
if not text then return 0 end
if text ~= old_text then return 2 end
local old, new = parse(old_text), parse(new_text)
if not old then return 0 end
if not new.score then return unknown() end
if is_leased(id) then
  redis.call('HINCRBY', COUNTS, 'running:' .. old.priority, -1)
  redis.call('HINCRBY', COUNTS, 'running:' .. new.priority, 1)
else
  unplace(old)
  place(new)
end
redis.call('HSET', JOBS, id, new_text)
changed(id)
return 1
