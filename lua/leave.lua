#!lua flags=allow-oom
-- Turns the row of that very incarnation into a goodbye. Allowed when memory is full: it writes over what is there.
--
-- KEYS  1 pods, 2 beats, 3 changes, 4 meta
-- ARGV  1 now in ms, "" for Redis' own; "self-test"
--       2 channel of the service's changes
--       3 podIndex
--       4 incarnation
--
-- Answers { "left" }      now, or before
--         { "not-left" }  no row, or another incarnation
--         { "corrupt" }   the row has a newer format: nothing touched
--         { "ok" } | { "refused", command, reason }   self-test
--
-- Writes the row, its beat and change; publishes. A pod that writes the workload state gives that up.
--- @include "lib/pods/goodbyeOf"
--- @include "lib/pods/publishRow"
--- @include "lib/pods/readService"
--- @include "lib/pods/selfTestPodWrites"
--- @include "lib/pods/storeNowMs"
--- @include "lib/pods/storeRow"
--- @include "lib/pods/workloadWriter"

local channel, podIndex = ARGV[2], ARGV[3]

local function leave()
  local nowMs = storeNowMs(ARGV[1])
  local service = readService(podIndex)
  if not service then
    return { 'corrupt' }
  end
  local row = service.row
  if not row or row.incarnation ~= ARGV[4] then
    return { 'not-left' }
  end
  if isGoodbye(row.said.serviceState, row.said.routingState) then
    return { 'left' }
  end
  row.said = goodbyeOf(row.said)
  row.reportedAtMs = wholeText(nowMs)
  local text = storeRow(podIndex, row, service)
  if string.match(redis.call('HGET', KEYS[4], 'writer') or '', WORKLOAD_WRITER) == podIndex then
    redis.call('HDEL', KEYS[4], 'writer')
  end
  publishRow(channel, podIndex, text, service.published)
  return { 'left' }
end

return ARGV[1] == 'self-test' and selfTestPodWrites(channel) or leave()
