-- The text of a row; its shape stands in podRow.
local function podRowText(
  incarnation,
  reportNumber,
  reportedAtMs,
  sequence,
  claimAfterMs,
  loadScore,
  linkCount,
  life,
  said
)
  return '1|'
    .. incarnation
    .. '|'
    .. reportNumber
    .. '|'
    .. reportedAtMs
    .. '|'
    .. sequence
    .. '|'
    .. claimAfterMs
    .. '|'
    .. loadScore
    .. '|'
    .. linkCount
    .. '|'
    .. life
    .. '|'
    .. said
end
