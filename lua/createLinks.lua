-- Makes links where there are none, up to 128 of one service: carries out what a run of 'setIfAbsent' in linkOps.lua is, with the
-- same outcome. A new link is what a caller waits for, and mostly alone: so this takes the fewest arguments and steps.
--
-- KEYS: for each operation the key of its uid: a hash of services.
-- ARGV: 1 the least new token; 2 service; 3 how long the links last, in ms; 4 '|', the incarnation in base 36, 0 = none, '|'; 5 what
-- a record has between its expiry and its opKind: '|', linkKind, '|', op id, '|'; then for each operation its pod in base 36; then
-- '1' where the expiry of another pod's reservation moves forward, '' or nothing where not; then, from tests alone, the moment in us.
-- or: 'self-test', channel, with one key that holds nothing: see lib/selfTestLinkWrites.lua.
--
-- Returns the moment in us, an integer, when each link was made and nothing was there of its uid; else { moment, how many broken
-- values were met, and for each operation '1' or what else lib/setIfAbsent.lua answers, or 'e' and a word }.
-- Side effects: HSET, HSETNX, HDEL, PEXPIREAT on the keys.

local keys, args = KEYS, ARGV
if args[1] == 'self-test' then
  --- @include "lib/selfTestLinkWrites"
  return selfTestLinkWrites(args[2])
end

local brokenValues, total, given = 0, #keys, args[#keys + 7]
--- @include "lib/moment"
--- @include "lib/base36"
--- @include "lib/stamp"

local tryCall, call, serviceName = redis.pcall, redis.call, args[2]
local newToken, endsAtMs = math.max(nowUs, args[1]), nowMs + args[3]
local tail, endsAt = args[4] .. stamp(newToken, endsAtMs) .. args[5], string.format('%d', endsAtMs)

local answers, meetStored
for place = 1, total do
  local hash = keys[place]
  local isMade = tryCall('HSETNX', hash, serviceName, '1|' .. args[place + 5] .. tail .. 'c')
  if isMade == 1 and call('PEXPIREAT', hash, endsAt, 'NX') == 1 then
    if answers then answers[place + 2] = '1' end
  else
    -- There is something already. What that needs is made when it is met: new links are not kept waiting for it.
    if not answers then
      --- @include "lib/refusal"
      --- @include "lib/record"
      --- @include "lib/keyExpiry"
      --- @include "lib/turn"
      --- @include "lib/superseded"
      --- @include "lib/repeated"
      --- @include "lib/named"
      --- @include "lib/setIfAbsent"
      --- @include "lib/onLink"
      local kind, opId = string.match(args[5], '^|(.)|(.+)|$')
      local shared = {
        service = serviceName,
        incarnation = tonumber(string.sub(args[4], 2, -2), 36),
        persistent = kind ~= 'r',
        expiresAtMs = endsAtMs,
        token = newToken,
        opId = opId,
        renew = args[total + 6] == '1',
        tail = tail,
      }
      -- Redis is full, a refusal may say: only what is stored can tell whether a write is needed at all.
      meetStored = function(where, made, pod)
        if made == 1 then return keepField(where, serviceName, endsAt, true) or '1' end
        local refused = made ~= 0 and refusal(made)
        if refused and refused ~= 'eOOM' then return refused end
        return onLink(setIfAbsent, 'ct', shared, where, pod)
      end
      answers = { nowUs, 0 }
      for past = 1, place - 1 do answers[past + 2] = '1' end
    end
    answers[place + 2] = meetStored(hash, isMade, args[place + 5])
  end
end
if not answers then return nowUs end
answers[2] = brokenValues
return answers
