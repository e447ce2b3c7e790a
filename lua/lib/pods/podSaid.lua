--- @include "lib/pods/rowPattern"
-- What a pod says of itself, as its process wrote it; it stands at the end of its row:
--
--   serviceState|routingState|loadState|loadScore|linkCount|leaseMs|address|others
--
-- address and others are JSON; no address is "". Loads may have fractions: their text is kept as it is.

-- Takes it apart; numbers stay text. Nil: it is broken.
local function parsePodSaid(text)
  local serviceState, routingState, loadState, loadScore, linkCount, leaseMs, address = string.match(text, POD_SAID)
  if not (tonumber(loadState) and tonumber(loadScore)) then
    return nil
  end
  return {
    text = text,
    serviceState = serviceState,
    routingState = routingState,
    loadScore = loadScore,
    linkCount = linkCount,
    leaseMs = leaseMs,
    address = address,
  }
end
