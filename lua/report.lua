#!lua flags=allow-oom
-- Writes what a pod says of itself, and that it lives. Never makes, revives or takes over a row. Allowed when memory is
-- full: it writes over what is there, and a store that takes no new links must not end those who hold the old ones.
--
-- KEYS  1 pods, 2 beats, 3 changes, 4 meta
-- ARGV  1 now in ms, "" for Redis' own; "self-test"
--       2 channel of the service's changes
--       3 podIndex
--       4 life, percent-encoded
--       5 incarnation
--       6 number of the report
--       7 what the pod says, see lib/pods/podSaid
--       8 load score from which a pod counts as overloaded
--
-- Answers { "accepted", generation or "" }
--         { "gone", incarnation or "" }    no row, or one of the same life: register again
--         { "superseded", incarnation }    a higher incarnation of another life, or a goodbye
--         { "ignored", incarnation }       a later report was there already
--         { "corrupt" }                    the row has a newer format: nothing touched
--         { "ok" } | { "refused", command, reason }   self-test
--
-- Writes the row and its beat; its change, and a message, when it takes a sequence number. Every 100th report of a pod drops
-- up to 128 goodbyes of more than a day ago.
--- @include "lib/pods/oldGoodbyes"
--- @include "lib/pods/readService"
--- @include "lib/pods/selfTestPodWrites"
--- @include "lib/pods/storeNowMs"
--- @include "lib/pods/storeRow"

local REPORTS_A_DROP = 100
local LOAD_SCORE_STEP = 5 -- points
local LINK_COUNT_SHARE = 0.02
local LINK_COUNT_STEP = 5

local channel, podIndex, life, incarnation, reportNumber = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

local function refusalOf(row)
  if not row then
    return { 'gone', '' }
  end
  local found = row.incarnation
  if isGoodbye(row.said) then
    return { 'superseded', found }
  end
  if row.life ~= life then
    return { tonumber(found) < tonumber(incarnation) and 'gone' or 'superseded', found }
  end
  if found ~= incarnation then
    return { 'gone', found }
  end
  if tonumber(reportNumber) <= tonumber(row.reportNumber) then
    return { 'ignored', found }
  end
  return nil
end

-- What callers must hear of at once.
local function changesRouting(before, said)
  local overloadScore = tonumber(ARGV[8])
  local wasOverloaded, isOverloaded = tonumber(before.loadScore) >= overloadScore, tonumber(said.loadScore) >= overloadScore
  return before.serviceState ~= said.serviceState
    or before.routingState ~= said.routingState
    or before.address ~= said.address
    or wasOverloaded ~= isOverloaded
end

-- What callers need in their next reading, measured since the row last took a number: small steps add up.
local function movesLoad(row, said)
  if math.abs(tonumber(said.loadScore) - tonumber(row.sequencedLoadScore)) >= LOAD_SCORE_STEP then
    return true
  end
  local links = tonumber(row.sequencedLinkCount)
  return math.abs(tonumber(said.linkCount) - links) >= math.max(LINK_COUNT_STEP, links * LINK_COUNT_SHARE)
end

local function report()
  local nowMs, said = storeNowMs(ARGV[1]), parsePodSaid(ARGV[7])
  local service = readService(podIndex)
  if not service then
    return { 'corrupt' }
  end
  local refusal = refusalOf(service.row)
  if refusal then
    return refusal
  end
  local row = service.row
  local step = changesRouting(row.said, said) and 'published' or movesLoad(row, said) and 'sequenced'
  row.said, row.reportNumber, row.reportedAtMs = said, reportNumber, wholeText(nowMs)
  -- A pod is Pending while it waits: one that says Ready has waited long enough, by its own clock.
  if said.serviceState == 'Ready' then
    row.claimAfterMs = '0'
  end
  local text = storeRow(podIndex, row, service, step)
  if tonumber(reportNumber) % REPORTS_A_DROP == 0 then
    dropOldGoodbyes(nowMs)
  end
  if step == 'published' then
    publishRow(channel, podIndex, text, service)
  end
  return { 'accepted', service.generation }
end

return ARGV[1] == 'self-test' and selfTestPodWrites(channel) or report()
