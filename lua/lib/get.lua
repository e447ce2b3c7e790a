-- Reads a link. Returns 'v' with the value as it is stored, '0' when there is none, or a refusal. Whoever asked judges the
-- value by the moment in the reply, as the operations here would: parsing it here would double what reading costs Redis.
local function get(key, service)
  local value = redis.pcall('HGET', key, service)
  if not value then return '0' end
  if type(value) == 'table' then return refusal(value) end
  return 'v' .. value
end
