-- Reads what is stored for all operations of a run, by fewer steps for each than get.lua.
local function storedValues(before, count, service)
  local call, find, uids, values = redis.call, string.find, keys, {}
  for position = before + 1, before + count do
    local value = call('HGET', uids[position], service)
    if not value then
      value = '0'
    elseif value == '0' or find(value, '\n', 1, true) then
      return nil
    end
    values[position - before] = value
  end
  values[1] = '=' .. values[1] -- before the joined text it would have all of that copied
  return table.concat(values, '\n')
end

-- Reads the links of a run: those of `count` of `keys` after the first `before`. Returns '=' with the values as they are stored, a
-- line each, '0' where there is none. Nothing where that would not be clear, as a value is '0' or has lines, or where Redis
-- refuses one: then each is read by itself.
local function getAll(before, count, service)
  local isRead, values = pcall(storedValues, before, count, service)
  return isRead and values
end
