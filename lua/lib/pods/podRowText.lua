--- @include "lib/pods/podRow"
-- The text of a row; its shape stands in podRow.
local function podRowText(row)
  return table.concat({
    '1',
    wholeText(row.incarnation),
    wholeText(row.reportNumber),
    wholeText(row.reportedAtMs),
    wholeText(row.sequence),
    wholeText(row.claimAfterMs),
    row.sequencedLoadScore,
    row.sequencedLinkCount,
    row.life,
    row.said.text,
  }, '|')
end
