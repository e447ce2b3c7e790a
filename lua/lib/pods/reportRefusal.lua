--- @include "lib/pods/isGoodbye"
--- @include "lib/pods/podRow"

-- Why a report is not the next one of the pod whose row this is: what report answers.
local function reportRefusal(text, life, incarnation)
  local row, isNewer = parsePodRow(text)
  if isNewer then
    return { 'corrupt' }
  end
  if not row then
    return { 'gone', '' }
  end
  local found = row.incarnation
  if isGoodbye(row.said.serviceState, row.said.routingState) then
    return { 'superseded', found }
  end
  if row.life ~= life then
    return { tonumber(found) < tonumber(incarnation) and 'gone' or 'superseded', found }
  end
  return { found == incarnation and 'ignored' or 'gone', found }
end
