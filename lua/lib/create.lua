local tryCall, call = redis.pcall, redis.call

-- Makes a link where the uid has none of that service, not even an expired one: a write and its expiry, nothing else.
-- Returns '1', a refusal, or false: something is stored; or Redis is full, then only what is stored can tell whether a write
-- is needed at all.
local function create(run, key, pod)
  local made = tryCall('HSETNX', key, run.service, '1|' .. pod .. run.tail .. 'c')
  if made == 0 then return false end
  if made ~= 1 then
    local refused = refusal(made)
    return refused ~= 'eOOM' and refused
  end
  if call('PEXPIREAT', key, run.expiresAt, 'NX') == 1 then return '1' end
  if not keepKey then makeOperations() end
  return keepKey(key, run, run.expiresAt, true) or '1'
end
