--- @include "lib/pods/isGoodbye"
--- @include "lib/pods/podRowText"

-- Writes a row. Its first write is the one that memory limits may refuse, and then nothing has changed.
-- KEYS: pods, beats, changes, meta.
--
--   beats    by minus the time of the last report, so that the youngest stand first; a goodbye by its time, not negated
--   changes  by the sequence number that the row took last: every pod is there
--   meta     sequence: the newest number; published: the number of the newest message
--
-- `step`: false when the row keeps its number; "sequenced" when it takes the next one, for readings; "published" when
-- watchers are to hear of it too. Returns the row's text.
local function storeRow(podIndex, row, service, step)
  if step then
    row.sequence = wholeText(service.sequence + 1)
    row.sequencedLoadScore = row.said.loadScore
    row.sequencedLinkCount = row.said.linkCount
  end
  local text = podRowText(row)
  redis.call('HSET', KEYS[1], podIndex, text)
  redis.call('ZADD', KEYS[2], isGoodbye(row.said) and row.reportedAtMs or '-' .. row.reportedAtMs, podIndex)
  if not step then
    return text
  end
  redis.call('ZADD', KEYS[3], row.sequence, podIndex)
  if step == 'sequenced' then
    redis.call('HSET', KEYS[4], 'sequence', row.sequence)
  else
    redis.call('HSET', KEYS[4], 'sequence', row.sequence, 'published', row.sequence)
  end
  return text
end

-- Tells watchers of a row: `<number of the message before>|<podIndex>|<row>`. Comes last, and may fail alone.
local function publishRow(channel, podIndex, text, service)
  redis.pcall('PUBLISH', channel, service.published .. '|' .. podIndex .. '|' .. text)
end
