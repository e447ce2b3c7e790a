-- The store's wall time in ms since 1970. Asked for once a script: TIME moves within one.
-- @param given what tests pass instead; "" for Redis' own
local function storeNowMs(given)
  if given ~= '' then
    return tonumber(given)
  end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
