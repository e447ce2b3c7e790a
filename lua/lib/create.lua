local tryCall, call = redis.pcall, redis.call

-- Makes links where the uids have none of that service, not even an expired one: a write and its expiry each, nothing else.
-- rest: what follows the pod in their records. It begins with the key and the pod at these places, and ends with the first for
-- which there is more to do, or less.
-- Returns how many it made, `count` or fewer, and what became of the next: '1' made, a refusal, or false: something is stored;
-- or Redis is full, then only what is stored can tell whether a write is needed at all.
local function create(service, rest, expiresAt, key, pod, count)
  for made = 0, count - 1 do
    local name = keys[key + made]
    local isNew = tryCall('HSETNX', name, service, '1|' .. args[pod + made] .. rest)
    if isNew == 0 then return made, false end
    if isNew ~= 1 then
      local refused = refusal(isNew)
      return made, refused ~= 'eOOM' and refused
    end
    if call('PEXPIREAT', name, expiresAt, 'NX') ~= 1 then
      if not keepKey then makeOperations() end
      return made, keepKey(name, service, expiresAt, true) or '1'
    end
  end
  return count
end
