-- Names the owner unless another pod's persistent link is there.
-- Returns '1', 'd', 'n' with the link of that other pod, or a refusal.
local function trySet(turn)
  local live, run = turn.live, turn.run
  if live == nil then return name(turn, named(turn, 's')) end
  if live.podIndex ~= turn.podIndex then
    if live.persistent then return answer('n', live) end
    return name(turn, named(turn, 's'))
  end
  if live.kind == 'g' then return name(turn, named(turn, 's')) end -- its rest is no lifetime of what comes next
  if live.kind == 'o' and run.incarnation == 0 then return answer('d', live, live) end -- never beats an owner
  if live.kind == 'o' and run.incarnation == live.incarnation then
    local longer = extended(live, run.expiresAtMs, run.persistent)
    return longer ~= live and write(turn, longer) or answer('d', longer, live)
  end
  local expiresAtMs = math.max(run.expiresAtMs, live.expiresAtMs)
  return name(turn, named(turn, 's', expiresAtMs, run.persistent or live.persistent))
end
