-- position(id, now) -> number of waiting requests before it, or nil if it does not wait.
local id, now = arg(1), moment(arg(2))
local text = redis.call('HGET', JOBS, id)
if not text or is_leased(id) then return nil end
local record = parse(text)
if not record then return nil end
if not bounded then return redis.call('ZRANK', ORDER, record.tie) end
sweep(now)
if record.priority == '0' then return redis.call('ZRANK', URGENT, record.tie) end
local num_urgent = redis.call('ZCARD', URGENT)
if number(record.due) <= number(now) then
  local rank = redis.call('ZRANK', DUE, record.due_tie)
  return rank and num_urgent + rank
end
local num_overdue = redis.call('ZCOUNT', DUE, '-inf', now)
local rank = redis.call('ZRANK', ORDER, record.tie)
return rank and num_urgent + num_overdue + rank
