#!lua flags=allow-oom
-- The pods of a service at one moment: those that changed since what the reader knows, or a page of all; and the silent.
--
-- KEYS  1 pods, 2 beats, 3 changes, 4 meta
-- ARGV  1 now in ms, "" for Redis' own; "self-test"
--       2 silence in ms: whose last report is not within it is silent
--       3 generation that the reader knows, "" for none
--       4 sequence number that the reader knows
--       5 sequence number of the last row of the page before, "0" for the first page
--
-- Answers { "changed" | "page" | "last", now, generation or "", sequence, cursor, silentCount, silent, rows }
--           "changed": the rows that took a number since the known one, at most 128
--           "page": up to 1,000 of all rows, by sequence number; more follow after `cursor`
--           "last": the last page
--           silent: podIndex, incarnation, report number, age in ms of each, the longest silent last, at most 128;
--             on a "page" it stays empty. A negative age: Redis' clock has stepped back
--           rows: podIndex, row of each, see lib/pods/podRow
--         { "ok" } | { "refused", command, reason }   self-test
--
-- A row that changes between two pages stands in a later one again, so none is missed.
--
-- Without the flag no-writes, on purpose: where reports are refused (a replica, too few replicas, a full disk) readings are
-- refused too, so that nobody is taken for silent there.
--- @include "lib/pods/listSilent"
--- @include "lib/pods/readMeta"
--- @include "lib/pods/storeNowMs"
--- @include "lib/selfTest"

local MOST_CHANGED = 128
local PAGE = 1000

-- The rows whose sequence number is above `after`, by that number: podIndex, row of each; at most so many.
-- Returns the rows, the number of the last, and how many there were.
local function rowsAfter(after, most)
  local found = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. after, '+inf', 'WITHSCORES', 'LIMIT', '0', tostring(most))
  if #found == 0 then
    return {}, after, 0
  end
  local podIndexes, rows = {}, {}
  for index = 1, #found, 2 do
    podIndexes[#podIndexes + 1] = found[index]
  end
  local texts = redis.call('HMGET', KEYS[1], unpack(podIndexes))
  for index = 1, #podIndexes do
    if texts[index] then
      rows[#rows + 1] = podIndexes[index]
      rows[#rows + 1] = texts[index]
    end
  end
  return rows, found[#found], #podIndexes
end

local function readPods()
  local nowMs, silenceMs = storeNowMs(ARGV[1]), tonumber(ARGV[2])
  local service = readMeta()
  local code, rows, cursor, count
  local follows = ARGV[3] ~= '' and ARGV[3] == service.generation and tonumber(ARGV[4]) <= service.sequence
  if follows and redis.call('ZCOUNT', KEYS[3], '(' .. ARGV[4], '+inf') <= MOST_CHANGED then
    code = 'changed'
    rows, cursor = rowsAfter(ARGV[4], MOST_CHANGED)
  else
    rows, cursor, count = rowsAfter(ARGV[5], PAGE)
    code = count == PAGE and 'page' or 'last'
  end
  local silentCount, silent = 0, {}
  if code ~= 'page' then
    silentCount, silent = listSilent(nowMs, silenceMs)
  end
  local sequence = wholeText(service.sequence)
  return { code, wholeText(nowMs), service.generation, sequence, cursor, wholeText(silentCount), silent, rows }
end

local function selfTestReading()
  return selfTest({
    { 'TIME' },
    { 'HMGET', KEYS[1], '0' },
    { 'HMGET', KEYS[4], 'generation' },
    { 'ZCOUNT', KEYS[2], '0', '1' },
    { 'ZRANGEBYSCORE', KEYS[3], '0', '1', 'WITHSCORES', 'LIMIT', '0', '1' },
  })
end

return ARGV[1] == 'self-test' and selfTestReading() or readPods()
