-- peek(num, now) -> records of the best waiting requests, best first.
local num = tonumber(arg(1))
if num < 1 then return {} end
local _, texts = best(num, moment(arg(2)))
return texts
