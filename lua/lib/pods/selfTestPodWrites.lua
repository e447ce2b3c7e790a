--- @include "lib/selfTest"

-- Uses every command that the scripts which write pods need. What removes comes first and last: so nothing is left behind
-- even where something is refused. KEYS: 1 pods, 2 beats, 4 meta.
-- Returns what selfTest does.
local function selfTestPodWrites(channel)
  return selfTest({
    { 'TIME' },
    { 'HDEL', KEYS[1], '0' },
    { 'ZREM', KEYS[2], '0' },
    { 'HGET', KEYS[1], '0' },
    { 'HMGET', KEYS[4], 'generation' },
    { 'ZCARD', KEYS[2] },
    { 'ZRANGEBYSCORE', KEYS[2], '1', '1' },
    { 'PUBLISH', channel, 'self-test' },
    { 'HSET', KEYS[1], '0', 'self-test' },
    { 'HDEL', KEYS[1], '0' },
    { 'ZADD', KEYS[2], '1', '0' },
    { 'ZREM', KEYS[2], '0' },
  })
end
