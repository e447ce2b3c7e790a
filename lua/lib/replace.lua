-- Names the owner when the link has the expected token, or there is none.
-- turn.expectedToken: base 36. Returns '1', 'd', 'n' with the link that has another token, or a refusal.
local function replace(turn)
  local live = turn.live
  if live and live.token ~= tonumber(turn.expectedToken, 36) then return answer('n', live) end
  return name(turn, named(turn, 'm'))
end
