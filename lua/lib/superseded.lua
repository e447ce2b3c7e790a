-- The first rule: against a live link of a higher incarnation of the same pod index an operation changes nothing.
-- podIndex, incarnation: whose operation it is, the owner it names or the holder it expects; nil or 0: not said.
-- Returns 's' with the link, or nothing: the operation goes on.
local function superseded(turn, podIndex, incarnation)
  local live = turn.live
  if not live or podIndex ~= live.podIndex or (incarnation or 0) == 0 then return nil end
  if incarnation < live.incarnation then return answer('s', live) end
  return nil
end
