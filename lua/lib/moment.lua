-- The moment of a call: every operation in it is judged and stamped by the same one, for TIME moves inside a script.
-- ARGV[1]: the moment in us since 1970, given by tests; '' = Redis' own clock.
-- Sets: nowUs, nowMs (whole numbers).
local nowUs = tonumber(ARGV[1])
if nowUs == nil then
  local time = redis.call('TIME')
  nowUs = time[1] * 1000000 + time[2]
end
local nowMs = math.floor(nowUs / 1000)
