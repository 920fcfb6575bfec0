-- peek(num, now) -> records of the best waiting requests, best first.
local num = tonumber(arg(1))
if num < 1 then return {} end
return records_of(best(num, arg(2)))
