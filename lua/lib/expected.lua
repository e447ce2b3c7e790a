-- Whether a link is what an operation expects; a part that is '' matches anything.
-- Numbers of the turn: expectedPod, expectedIncarnation, expectedToken; nil: not said.
local function matches(turn)
  local live = turn.live
  return (turn.expectedPod or live.podIndex) == live.podIndex
    and (turn.expectedIncarnation or live.incarnation) == live.incarnation
    and (turn.expectedToken or live.token) == live.token
end
