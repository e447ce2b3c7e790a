-- Ends a link that matches: at once when run.graceMs is 0; else a temporary one ends sooner, if at all, and a persistent one
-- becomes a goodbye that keeps its token.
-- Returns '1' removed, 'n' with the link that doesn't match, '0' when there is none, or a refusal.
local function remove(turn)
  local live, run = turn.live, turn.run
  if live == nil then return '0' end
  if not matches(turn) then return answer('n', live) end
  if run.graceMs == 0 then
    redis.call('HDEL', turn.key, run.service)
    if redis.call('HLEN', turn.key) > 0 then dropExpired(turn.key) end
    return '1'
  end
  local ending = {}
  for part, value in pairs(live) do ending[part] = value end
  ending.expiresAtMs = nowMs + run.graceMs
  if live.persistent then
    ending.kind, ending.persistent, ending.opId, ending.opKind = 'g', false, run.opId, 'g'
  else
    ending.expiresAtMs = math.min(ending.expiresAtMs, live.expiresAtMs)
  end
  return write(turn, withText(ending)) or '1'
end
