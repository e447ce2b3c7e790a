#!lua flags=allow-oom
-- Carries out the link operations that free memory or take next to none, up to 128, each for itself: a full Redis lets them
-- pass. (Redis 7.0 and later.)
--
-- KEYS: for each operation, in order, the key of its uid: a hash of services.
-- ARGV: 1 the moment in us since 1970, '' = Redis' own clock; 2 how long a persistent link is kept, in ms; then the runs:
--   'renew', count, service, ttlMs ('' = persistent), ''
--   'remove', count, service, graceMs (0 = at once), op id
--   and for each operation what it expects, in base 36, '' = anything: pod, incarnation, token
-- or: 'self-test', with one key that holds nothing: see lib/selfTest.lua.
--
-- Returns { moment in us, how many broken values were met, both as integers, then for each run '*' when all its answers are
-- '1', else one for each operation }. An answer is a code and what lib/<operation>.lua says: '1', '0', 'd' 'n' 'r' 's' record,
-- 'e' and a word: a refusal that changed nothing.
-- Side effects: HSET, HDEL, PEXPIREAT on the keys.

if ARGV[1] == 'self-test' then
  --- @include "lib/selfTest"
  local key = KEYS[1]
  return selfTest({
    { 'TIME' },
    { 'HGET', key, 'self-test' },
    { 'HLEN', key },
    { 'HGETALL', key },
    { 'PEXPIREAT', key, '99999999999999', 'GT' },
    { 'HDEL', key, 'self-test' },
    { 'HSET', key, 'self-test', '' },
    { 'HDEL', key, 'self-test' },
  })
end

local brokenValues, given = 0, ARGV[1]
--- @include "lib/moment"
--- @include "lib/base36"
--- @include "lib/refusal"
--- @include "lib/record"
--- @include "lib/keyExpiry"
--- @include "lib/turn"
--- @include "lib/superseded"
--- @include "lib/repeated"
--- @include "lib/expected"
--- @include "lib/renew"
--- @include "lib/remove"

local function perform(kind, run, key, at)
  local turn, refused = meet(run, key)
  if turn == nil then return refused end
  turn.expectedPod, turn.expectedIncarnation = tonumber(ARGV[at], 36), tonumber(ARGV[at + 1], 36)
  turn.expectedToken = tonumber(ARGV[at + 2], 36)
  if kind == 'renew' then return superseded(turn, turn.expectedPod, turn.expectedIncarnation) or renew(turn) end
  return repeated(turn, 'g') or superseded(turn, turn.expectedPod, turn.expectedIncarnation) or remove(turn)
end

local answers, key, at = { nowUs, 0 }, 0, 3
while ARGV[at] do
  local kind, count, first, plain = ARGV[at], tonumber(ARGV[at + 1]), #answers + 1, 0
  local span = tonumber(ARGV[at + 3])
  local run = {
    service = ARGV[at + 2],
    persistent = span == nil,
    expiresAtMs = nowMs + (span or tonumber(ARGV[2])),
    graceMs = span,
    opId = ARGV[at + 4],
  }
  at = at + 5
  for position = 0, count - 1 do
    key = key + 1
    local reply = perform(kind, run, KEYS[key], at)
    if reply == '1' then plain = plain + 1 end
    answers[first + position] = reply
    at = at + 3
  end
  if plain == count then
    for position = first + 1, first + count - 1 do answers[position] = nil end
    answers[first] = '*'
  end
end
answers[2] = brokenValues
return answers
