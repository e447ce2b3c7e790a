--- @include "lib/pods/goodbyeKeptMs"

local GOODBYES_A_DROP = '128'

-- Drops up to 128 goodbyes that were said a day ago or more, the oldest first. Memory limits don't refuse it, so it must
-- come after the write that they may refuse. KEYS: pods, beats, changes.
local function dropOldGoodbyes(nowMs)
  local upTo = string.format('%.0f', nowMs - GOODBYE_KEPT_MS)
  local podIndexes = redis.call('ZRANGEBYSCORE', KEYS[2], '0', upTo, 'LIMIT', '0', GOODBYES_A_DROP)
  if #podIndexes > 0 then
    redis.call('ZREM', KEYS[2], unpack(podIndexes))
    redis.call('ZREM', KEYS[3], unpack(podIndexes))
    redis.call('HDEL', KEYS[1], unpack(podIndexes))
  end
end
