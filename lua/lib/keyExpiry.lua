-- Every key has an expiry: that of the field that lasts longest. So the keys of users who never return are freed.
local MAX_SERVICES = 128

-- Drops the expired and broken fields of a key, and lets it end with the last of the others. A key with a field of a newer
-- format, or with more fields than we ever write, is somebody else's too: it is never shortened.
local function dropExpired(key)
  if redis.call('HLEN', key) > MAX_SERVICES + 1 then return end
  local fields = redis.call('HGETALL', key)
  local gone, longest, isNewer = {}, 0, false
  for at = 1, #fields, 2 do
    local record, newer = parseRecord(fields[at + 1])
    if newer then
      isNewer = true
    elseif record and nowMs < record.expiresAtMs then
      longest = math.max(longest, record.expiresAtMs)
    else
      gone[#gone + 1] = fields[at]
    end
  end
  if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
  if longest > 0 and not isNewer then redis.call('PEXPIREAT', key, string.format('%.0f', longest)) end
end

-- After a field was written: the key lasts at least as long as the field.
-- isNew: the field was not there before. Returns nothing; or a refusal, with the field gone again, when the uid has no room
-- for one more service.
local function keepField(key, service, expiresAt, isNew)
  if redis.call('PEXPIREAT', key, expiresAt, 'NX') == 1 then return nil end
  if isNew and redis.call('HLEN', key) > MAX_SERVICES then
    dropExpired(key)
    if redis.call('HLEN', key) > MAX_SERVICES then
      redis.call('HDEL', key, service)
      return 'eSERVICES'
    end
  end
  redis.call('PEXPIREAT', key, expiresAt, 'GT')
  return nil
end
