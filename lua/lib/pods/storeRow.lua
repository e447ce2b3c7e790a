--- @include "lib/pods/isGoodbye"
--- @include "lib/pods/podRowText"
--- @include "lib/pods/wholeText"
--- @include "lib/pods/writeRow"

-- Writes a row under the next number, for watchers to hear of. KEYS: pods, beats, changes, meta. Returns its text.
local function storeRow(podIndex, row, service)
  local said, sequence = row.said, wholeText(service.sequence + 1)
  local text = podRowText(
    row.incarnation,
    row.reportNumber,
    row.reportedAtMs,
    sequence,
    row.claimAfterMs,
    said.loadScore,
    said.linkCount,
    row.life,
    said.text
  )
  local beat = isGoodbye(said.serviceState, said.routingState) and row.reportedAtMs or '-' .. row.reportedAtMs
  writeRow(podIndex, text, beat, sequence, true)
  return text
end
