--- @include "lib/selfTest"

-- Uses every command that the scripts which make links need. What removes comes before and after what writes: so nothing is left
-- behind even where something is refused. KEYS: 1 that of a uid. channel: where an owner hears of links taken from it.
-- Returns what selfTest does.
local function selfTestLinkWrites(channel)
  local key = KEYS[1]
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
