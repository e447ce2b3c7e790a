-- Makes links where there are none, up to 128 of one service: carries out what a run of 'setIfAbsent' in linkOps.lua is, with the
-- same outcome. A new link is what a caller waits for, and mostly alone: so this takes the fewest arguments and steps.
--
-- KEYS: for each operation the key of its uid: a hash of services.
-- ARGV: 1 service; 2 the least new token; 3 how long the links last, in ms; 4 '|', the incarnation in base 36, 0 = none, '|'; 5 what
-- a record has between its expiry and its opKind: '|', linkKind, '|', op id, '|'; then for each operation its pod in base 36; then
-- '1' where the expiry of another pod's reservation moves forward, '' or nothing where not; then, from tests alone, the moment in us.
-- or: 'self-test', channel, with one key that holds nothing: see lib/selfTest.lua.
--
-- Returns the moment in us, an integer, when each link was made and nothing was there of its uid; else { moment, how many broken
-- values were met, and for each operation '1' or what else lib/setIfAbsent.lua answers, or 'e' and a word }.
-- Side effects: HSET, HSETNX, HDEL, PEXPIREAT on the keys.

local keys, args = KEYS, ARGV
if args[1] == 'self-test' then
  --- @include "lib/selfTest"
  local key, channel = keys[1], args[2]
  return selfTest({
    { 'TIME' },
    { 'HGET', key, 'self-test' },
    { 'HLEN', key },
    { 'HGETALL', key },
    { 'PEXPIREAT', key, '99999999999999', 'GT' },
    { 'PUBLISH', channel, 'self-test' },
    { 'HDEL', key, 'self-test' },
    { 'HSETNX', key, 'self-test', '' },
    { 'HDEL', key, 'self-test' },
    { 'HSET', key, 'self-test', '' },
    { 'HDEL', key, 'self-test' },
  })
end

local brokenValues, total = 0, #keys
local serviceName, newToken, given = args[1], tonumber(args[2]), args[total + 7]
--- @include "lib/moment"
--- @include "lib/base36"
--- @include "lib/stamp"
--- @include "lib/refusal"

if newToken < nowUs then newToken = nowUs end
local endsAtMs = nowMs + args[3]
local endsAt, tail = string.format('%.0f', endsAtMs), args[4] .. stamp(newToken, endsAtMs) .. args[5]

-- What is done where something is stored already. Made when it is met: a new link does not need it.
local perform, keepKey
local function makeOperations()
  --- @include "lib/record"
  --- @include "lib/keyExpiry"
  --- @include "lib/turn"
  --- @include "lib/superseded"
  --- @include "lib/repeated"
  --- @include "lib/named"
  --- @include "lib/setIfAbsent"
  --- @include "lib/onLink"
  local kind, opId = string.match(args[5], '^|(.)|(.+)|$')
  local run = {
    service = serviceName,
    incarnation = tonumber(string.sub(args[4], 2, -2), 36),
    persistent = kind ~= 'r',
    expiresAtMs = endsAtMs,
    token = newToken,
    opId = opId,
    renew = args[total + 6] == '1',
    tail = tail,
  }
  keepKey = keepField
  perform = function(key, pod) return onLink(setIfAbsent, 'ct', run, key, pod) end
end
--- @include "lib/create"

local made, reply = create(serviceName, tail .. 'c', endsAt, 1, 6, total)
if made == total then return nowUs end

local answers, at = { nowUs, 0 }, 0
while at < total do
  for past = at + 1, at + made do answers[past + 2] = '1' end
  at = at + made
  if at < total then
    at = at + 1
    if not reply and not perform then makeOperations() end
    answers[at + 2] = reply or perform(keys[at], args[at + 5])
    made, reply = create(serviceName, tail .. 'c', endsAt, at + 1, at + 6, total - at)
  end
end
answers[2] = brokenValues
return answers
