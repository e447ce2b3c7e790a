-- Carries out link operations that read links or name their owner, up to 128, each for itself: one that is refused spoils
-- only its own answer. No write comes before HSET or HSETNX, so that a full Redis refuses the whole of an operation.
--
-- KEYS: for each operation, in order, the key of its uid: a hash of services.
-- ARGV: 1 the moment in us since 1970, '' = Redis' own clock; 2 the least new token; 3 how long a persistent link is kept,
-- in ms; then the runs: operations that share their arguments.
--   'get', count, service
--   'services', count, ''
--   'setIfAbsent' | 'set' | 'trySet' | 'replace', count, the six of lib/namingRun.lua, then for each operation its pod in
--   base 36 and, with replace, the expected token in base 36
-- or: 'self-test', channel, with one key that holds nothing: see lib/selfTestLinkWrites.lua.
--
-- Returns { moment in us, how many broken values were met, both as integers, then for each run '*' when all its answers are
-- '1', '=' with all values that a run of 'get' read (see lib/getAll.lua), else one for each operation }. An answer is a code
-- and what lib/<operation>.lua says: '1', '0', 'v' value, 'd' 't' 'n' 'r' 's' record (and '\n' and the previous record), 'e'
-- and a word: a refusal that changed nothing; with services a list.
-- Side effects: HSET, HSETNX, HDEL, PEXPIREAT on the keys; PUBLISH when an owned link is taken from another pod.

if ARGV[1] == 'self-test' then
  --- @include "lib/selfTestLinkWrites"
  return selfTestLinkWrites(ARGV[2])
end

local keys, args = KEYS, ARGV
local brokenValues, given = 0, args[1]
--- @include "lib/moment"
--- @include "lib/getAll"
if args[4] == 'get' and tonumber(args[5]) == #keys then
  local all = getAll(0, #keys, args[6])
  if all then return { nowUs, brokenValues, all } end -- nothing of what follows is made for it
end
--- @include "lib/base36"
--- @include "lib/stamp"
--- @include "lib/refusal"
--- @include "lib/namingRun"
--- @include "lib/get"
--- @include "lib/services"

-- The operations on what is stored already. Made by the first that needs them: a new link does not.
local perform, keepKey
local function makeOperations()
  --- @include "lib/record"
  --- @include "lib/keyExpiry"
  --- @include "lib/turn"
  --- @include "lib/superseded"
  --- @include "lib/repeated"
  --- @include "lib/named"
  --- @include "lib/set"
  --- @include "lib/trySet"
  --- @include "lib/setIfAbsent"
  --- @include "lib/replace"
  --- @include "lib/onLink"
  local operations = { set = set, trySet = trySet, setIfAbsent = setIfAbsent, replace = replace }
  local marks = { set = 's', trySet = 's', setIfAbsent = 'ct', replace = 'm' }
  keepKey = keepField
  perform = function(kind, run, key, pod, expectedToken)
    return onLink(operations[kind], marks[kind], run, key, pod, expectedToken)
  end
end
--- @include "lib/create"

local answers, key, at = { nowUs, 0 }, 0, 4
while args[at] do
  local kind, count, first = args[at], tonumber(args[at + 1]), #answers + 1
  if kind == 'get' or kind == 'services' then
    local read, service = kind == 'get' and get or services, args[at + 2]
    local all = kind == 'get' and getAll(key, count, service)
    if all then
      answers[first], key = all, key + count
    else
      for position = 0, count - 1 do
        key = key + 1
        answers[first + position] = read(keys[key], service)
      end
    end
    at = at + 3
  else
    local run = namingRun(at + 2)
    local width = kind == 'replace' and 2 or 1
    local isClaim = kind == 'setIfAbsent'
    local position, plain = 0, 0
    at = at + 8
    while position < count do
      local made, reply = 0, run.refused
      if isClaim and not reply then
        made, reply = create(run.service, run.tail .. 'c', run.expiresAt, key + 1, at, count - position)
      end
      for past = position, position + made - 1 do answers[first + past] = '1' end
      position, plain, key, at = position + made, plain + made, key + made, at + made
      if position < count then
        key = key + 1
        if not reply then
          if not perform then makeOperations() end
          reply = perform(kind, run, keys[key], args[at], args[at + 1])
        end
        if reply == '1' then plain = plain + 1 end
        answers[first + position] = reply
        position, at = position + 1, at + width
      end
    end
    if plain == count then
      for past = first + 1, first + count - 1 do answers[past] = nil end
      answers[first] = '*'
    end
  end
end
answers[2] = brokenValues
return answers
