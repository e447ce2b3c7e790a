--- @include "lib/pods/podRow"
-- The text of a row; its shape stands in podRow.
local function podRowText(row)
  return '1|'
    .. row.incarnation
    .. '|'
    .. row.reportNumber
    .. '|'
    .. row.reportedAtMs
    .. '|'
    .. row.sequence
    .. '|'
    .. row.claimAfterMs
    .. '|'
    .. row.sequencedLoadScore
    .. '|'
    .. row.sequencedLinkCount
    .. '|'
    .. row.life
    .. '|'
    .. row.said.text
end
