-- Moves the expiry of a link that matches forward; its token stays. A goodbye ends one day: an owner's late verification
-- must not make it last.
-- Returns 'd' with the link, 'n' with the one that doesn't match, '0' when there is none, or a refusal.
local function renew(turn)
  local live, run = turn.live, turn.run
  if live == nil then return '0' end
  if (live.kind == 'g' and run.persistent) or not matches(turn) then return answer('n', live) end
  local longer = extended(live, run.expiresAtMs, run.persistent)
  return longer ~= live and write(turn, longer) or answer('d', longer)
end
