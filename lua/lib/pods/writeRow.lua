-- Writes the text of a row. Its first write is the one that memory limits may refuse, and then nothing has changed.
-- KEYS: pods, beats, changes, meta.
--
--   beats    by minus the time of the last report, so that the youngest stand first; a goodbye by its time, not negated
--   changes  by the sequence number that the row took last: every pod is there
--   meta     sequence: the newest number; published: the number of the newest message
--
-- `sequence`: the number that the row takes now, for readings; nil when it keeps its own. `isPublished`: watchers are to
-- hear of it too.
local function writeRow(podIndex, text, beat, sequence, isPublished)
  redis.call('HSET', KEYS[1], podIndex, text)
  redis.call('ZADD', KEYS[2], beat, podIndex)
  if not sequence then
    return
  end
  redis.call('ZADD', KEYS[3], sequence, podIndex)
  if isPublished then
    redis.call('HSET', KEYS[4], 'sequence', sequence, 'published', sequence)
  else
    redis.call('HSET', KEYS[4], 'sequence', sequence)
  end
end
