--- @include "lib/pods/goodbyeKeptMs"
--- @include "lib/pods/isGoodbye"

-- Counts as absent: the next drop takes it.
local function isOldGoodbye(row, nowMs)
  return isGoodbye(row.said.serviceState, row.said.routingState) and nowMs - tonumber(row.reportedAtMs) >= GOODBYE_KEPT_MS
end
