--- @include "lib/pods/podSaid"
--- @include "lib/pods/wholeText"
-- The row of a pod, as it stands in `pods` under the pod's index:
--
--   1|incarnation|reportNumber|reportedAtMs|sequence|claimAfterMs|sequencedLoadScore|sequencedLinkCount|life|said
--
-- life is percent-encoded; the sequenced ones are the load that readers have who follow the sequence. Taken apart, all parts
-- stay text: most of them are written back as they are, and to write a number costs more than to compare two.

local HIGHEST_WHOLE = 9007199254740991 -- 2^53 - 1

-- Takes it apart. Nil: there is none, or it is broken, which counts the same. Second: a newer format, not ours to touch.
local function parsePodRow(text)
  if not text then
    return nil, false
  end
  local incarnation, reportNumber, reportedAtMs, sequence, claimAfterMs, loadScore, linkCount, life, said =
    string.match(text, POD_ROW)
  if not incarnation then
    return nil, (tonumber(string.match(text, '^(%d+)|')) or 0) > 1
  end
  local row = {
    incarnation = incarnation,
    reportNumber = reportNumber,
    reportedAtMs = reportedAtMs,
    sequence = sequence,
    claimAfterMs = claimAfterMs,
    sequencedLoadScore = loadScore,
    sequencedLinkCount = linkCount,
    life = life,
    said = parsePodSaid(said),
  }
  if row.said and tonumber(loadScore) and tonumber(incarnation) <= HIGHEST_WHOLE then
    return row, false
  end
  return nil, false
end
