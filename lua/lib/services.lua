-- Reads all links of a uid. Returns the list of services and values as they are stored, in turn (see get.lua), or a refusal.
local function services(key)
  local fields = redis.pcall('HLEN', key)
  if type(fields) == 'table' then return refusal(fields) end
  if fields > 128 then return 'eSERVICES' end
  return redis.call('HGETALL', key)
end
