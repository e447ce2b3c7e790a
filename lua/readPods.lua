#!lua flags=allow-oom
-- The pods of a service at one moment: those that changed since what the reader knows, or all, by pages; and the silent.
--
-- KEYS  1 pods, 2 beats, 3 changes, 4 meta
-- ARGV  1 now in ms, "" for Redis' own; "self-test"
--       2 silence in ms: whose last report is not within it is silent
--       3 generation that the reader knows, "" for none
--       4 sequence number that the reader knows
--       5 where the generation is not that: the sequence number after which the rows begin, "0" for all
--
-- Answers { "changed" | "all", "page" | "last", now, generation or "", sequence, cursor, silentCount, silent, rows }
--           "changed": the rows that took a number since the known one
--           "all": those that took one since ARGV[5]
--           "page": 1,000 of them, by sequence number; the next ones are asked for as all since `cursor`
--           "last": the last of them
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

local PAGE = 1000

-- The rows whose sequence number is above `after`, by that number: podIndex, row of each; at most a page.
-- Returns the rows, the number of the last, and how many there were.
local function rowsAfter(after)
  local found = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. after, '+inf', 'WITHSCORES', 'LIMIT', '0', tostring(PAGE))
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
  local follows = ARGV[3] ~= '' and ARGV[3] == service.generation and tonumber(ARGV[4]) <= service.sequence
  local rows, cursor, count = rowsAfter(follows and ARGV[4] or ARGV[5])
  local which, place = follows and 'changed' or 'all', count == PAGE and 'page' or 'last'
  local silentCount, silent = 0, {}
  if place == 'last' then
    silentCount, silent = listSilent(nowMs, silenceMs)
  end
  local sequence = wholeText(service.sequence)
  return { which, place, wholeText(nowMs), service.generation, sequence, cursor, wholeText(silentCount), silent, rows }
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
