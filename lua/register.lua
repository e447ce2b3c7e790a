-- Makes the row of a pod, by compare-and-set on the incarnation that is there. Nothing else makes a row.
--
-- KEYS  1 pods, 2 beats, 3 changes, 4 meta
-- ARGV  1 now in ms, "" for Redis' own; "self-test"
--       2 channel of the service's changes
--       3 podIndex
--       4 life, percent-encoded
--       5 expected incarnation, 0 for no row
--       6 floor, 0 for none
--       7 "wait" or "now": what to do after the row of another process
--       8 generation, if the service has none
--       9 what the pod says, see lib/pods/podSaid
--
-- Answers { "registered" | "adopted", incarnation, claimAfterMs, generation }
--         { "found", incarnation or "" }   another row than the expected one, or none, is there: nothing made
--         { "corrupt" }                    the row has a newer format: nothing touched
--         { "ok" } | { "refused", command, reason }   self-test
--
-- Writes the row, its beat and change, and the generation; drops up to 128 goodbyes of more than a day ago; publishes. Tells
-- other lives of the pod, unless the row was its own or a goodbye.
--- @include "lib/pods/isOldGoodbye"
--- @include "lib/pods/oldGoodbyes"
--- @include "lib/pods/publishSuccessor"
--- @include "lib/pods/publishRow"
--- @include "lib/pods/readService"
--- @include "lib/pods/selfTestPodWrites"
--- @include "lib/pods/storeNowMs"
--- @include "lib/pods/storeRow"

local channel, podIndex, life, takeOver = ARGV[2], ARGV[3], ARGV[4], ARGV[7]

-- How long the old process may still serve what it held. A wait that has not ended passes on to whoever follows.
local function claimAfterMs(found)
  if not found or takeOver == 'now' then
    return 0
  end
  if found.life == life or isGoodbye(found.said.serviceState, found.said.routingState) then
    return tonumber(found.claimAfterMs)
  end
  return math.max(tonumber(found.said.leaseMs), tonumber(found.claimAfterMs))
end

-- The life of another process may go on under a row that is no goodbye, and where there is none: it may have been lost.
local function maySucceed(found)
  return not found or (found.life ~= life and not isGoodbye(found.said.serviceState, found.said.routingState))
end

local function registered(code, row, generation)
  return { code, row.incarnation, row.claimAfterMs, generation }
end

local function register()
  local nowMs = storeNowMs(ARGV[1])
  local expected, floor, said = tonumber(ARGV[5]), tonumber(ARGV[6]), parsePodSaid(ARGV[9])
  local service = readService(podIndex)
  if not service then
    return { 'corrupt' }
  end
  local generation = service.generation ~= '' and service.generation or ARGV[8]
  local found = service.row
  if found and isOldGoodbye(found, nowMs) then
    found = nil
  end
  local foundIncarnation = found and tonumber(found.incarnation) or 0
  if foundIncarnation ~= expected then
    dropOldGoodbyes(nowMs)
    -- The reply to this very registration was lost when it was tried before: its row is there already.
    local isOwn = found and found.life == life and foundIncarnation > floor
    if isOwn and not isGoodbye(found.said.serviceState, found.said.routingState) then
      return registered('adopted', found, generation)
    end
    return { 'found', found and found.incarnation or '' }
  end
  local row = {
    incarnation = wholeText(math.max(foundIncarnation + 1, floor + 1, nowMs)),
    reportNumber = '0',
    reportedAtMs = wholeText(nowMs),
    claimAfterMs = wholeText(claimAfterMs(found)),
    life = life,
    said = said,
  }
  local text = storeRow(podIndex, row, service)
  redis.call('HSET', KEYS[4], 'generation', generation)
  dropOldGoodbyes(nowMs)
  publishRow(channel, podIndex, text, service.published)
  if maySucceed(found) then
    publishSuccessor(channel, podIndex, row) -- last: between the nodes of a Cluster a second message may wait for 40 ms
  end
  return registered('registered', row, generation)
end

return ARGV[1] == 'self-test' and selfTestPodWrites(channel) or register()
