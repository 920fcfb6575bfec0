-- finish(id, token) -> 1, or 0 if the token is stale.
local id, token = arg(1), arg(2)
if not holds(id, token) then return 0 end
unlease(parse(redis.call('HGET', JOBS, id)), id)
redis.call('HDEL', JOBS, id)
changed(id)
return 1
