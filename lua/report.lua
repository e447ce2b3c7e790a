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
-- Answers { "accepted", generation or "", "1": this pod writes the workload state now; else "0" }
--         { "gone", incarnation or "" }    no row, or one of the same life: register again
--         { "superseded", incarnation }    a higher incarnation of another life, or a goodbye
--         { "ignored", incarnation }       a later report was there already
--         { "corrupt" }                    the row has a newer format: nothing touched
--         { "ok" } | { "refused", command, reason }   self-test
--
-- Writes the row and its beat; its change, and a message, when it takes a sequence number; `writer` in meta, when this pod
-- writes the workload state or gives that up. Every 100th report of a pod drops up to 128 goodbyes of more than a day ago.

if ARGV[1] == 'self-test' then
  --- @include "lib/pods/selfTestPodWrites"
  return selfTestPodWrites(ARGV[2])
end

--- @include "lib/pods/isGoodbye"
--- @include "lib/pods/podRowText"
--- @include "lib/pods/publishRow"
--- @include "lib/pods/rowPattern"
--- @include "lib/pods/storeNowMs"
--- @include "lib/pods/wholeText"
--- @include "lib/pods/workloadWriter"
--- @include "lib/pods/writeRow"

local REPORTS_A_DROP = 100
local LOAD_SCORE_STEP = 5 -- points
local LINK_COUNT_SHARE = 0.02
local LINK_COUNT_STEP = 5

-- What few reports need is made when one does.
local function refuse(value)
  --- @include "lib/pods/reportRefusal"
  return reportRefusal(value, ARGV[4], ARGV[5])
end
local function dropGoodbyes(at)
  --- @include "lib/pods/oldGoodbyes"
  dropOldGoodbyes(at)
end

-- Every pod reports every few seconds: so what all reports need runs straight through, without tables of its own.
local podIndex, life, incarnation, reportNumber, said = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local nowMs = storeNowMs(ARGV[1])

-- Reads every key that a write touches, as readService does.
local row = redis.call('HGET', KEYS[1], podIndex)
redis.call('ZCARD', KEYS[2])
redis.call('ZCARD', KEYS[3])
local meta = redis.call('HMGET', KEYS[4], 'generation', 'sequence', 'published', 'writer')

local foundIncarnation, foundNumber, _, sequence, claimAfterMs, sequencedScore, sequencedLinks, foundLife, foundSaid =
  string.match(row or '', POD_ROW)
local wasState, wasRouting, wasLoad, wasScore, _, _, wasAddress = string.match(foundSaid or '', POD_SAID)
local isNext = foundLife == life
  and foundIncarnation == incarnation
  and tonumber(reportNumber) > tonumber(foundNumber)
  and not isGoodbye(wasState, wasRouting)
if not (isNext and tonumber(wasLoad) and tonumber(wasScore) and tonumber(sequencedScore)) then
  return refuse(row)
end

local state, routing, _, loadScore, linkCount, leaseMs, address = string.match(said, POD_SAID)
local score, links, overloadScore = tonumber(loadScore), tonumber(sequencedLinks), tonumber(ARGV[8])
-- What callers must hear of at once.
local isPublished = wasState ~= state
  or wasRouting ~= routing
  or wasAddress ~= address
  or (tonumber(wasScore) >= overloadScore) ~= (score >= overloadScore)
-- What callers need in their next reading, measured since the row last took a number: small steps add up.
local isSequenced = isPublished
  or math.abs(score - tonumber(sequencedScore)) >= LOAD_SCORE_STEP
  or math.abs(tonumber(linkCount) - links) >= math.max(LINK_COUNT_STEP, links * LINK_COUNT_SHARE)
local number
if isSequenced then
  number = wholeText((tonumber(meta[2]) or 0) + 1)
  sequence, sequencedScore, sequencedLinks = number, loadScore, linkCount
end
-- A pod is Pending while it waits: one that says Ready has waited long enough, by its own clock.
if state == 'Ready' then
  claimAfterMs = '0'
end
local now = wholeText(nowMs)
local text =
  podRowText(incarnation, reportNumber, now, sequence, claimAfterMs, sequencedScore, sequencedLinks, life, said)
writeRow(podIndex, text, isGoodbye(state, routing) and now or '-' .. now, number, isPublished)

-- The lowest of the pods alive writes the workload state, as far as their own reports show: one of a lower index only while
-- its last report is within its lease. One in the future proves nothing: the clock has stepped back.
local writer, writerBeatMs, writerLeaseMs = string.match(meta[4] or '', WORKLOAD_WRITER)
local writesWorkload = state == 'Ready' or state == 'NotReady' or state == 'Pending'
if writesWorkload then
  if writer and tonumber(writer) < tonumber(podIndex) then
    local ageMs = nowMs - tonumber(writerBeatMs)
    writesWorkload = ageMs < 0 or ageMs >= tonumber(writerLeaseMs)
  end
  if writesWorkload then
    redis.call('HSET', KEYS[4], 'writer', podIndex .. ' ' .. now .. ' ' .. leaseMs)
  end
elseif writer == podIndex then
  redis.call('HDEL', KEYS[4], 'writer')
end

if tonumber(reportNumber) % REPORTS_A_DROP == 0 then
  dropGoodbyes(nowMs)
end
if isPublished then
  publishRow(ARGV[2], podIndex, text, meta[3] or '0')
end
return { 'accepted', meta[1] or '', writesWorkload and '1' or '0' }
