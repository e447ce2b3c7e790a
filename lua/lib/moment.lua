-- The moment of a call: every operation in it is judged and stamped by the same one, for TIME moves inside a script.
-- given: the moment in us since 1970, given by tests; '' or nothing = Redis' own clock.
-- Sets: nowUs, nowMs (whole numbers).
local nowUs = tonumber(given)
if nowUs == nil then
  local time = redis.call('TIME')
  nowUs = time[1] * 1000000 + time[2]
end
local nowMs = (nowUs - nowUs % 1000) / 1000
