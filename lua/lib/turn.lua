-- One operation meeting one link: what all operations are written with.
-- A turn has: key, run, pod (base 36) and podIndex, record (what is stored, live or expired; nil: nothing), live (nil: none).

-- Reads what is stored. Returns the turn, or nil and a refusal.
local function meet(run, key)
  local value = redis.pcall('HGET', key, run.service)
  if not value then return { key = key, run = run } end
  if type(value) == 'table' then return nil, refusal(value) end
  local record, newer = parseRecord(value)
  if newer then return nil, 'eNEWER' end
  return { key = key, run = run, record = record, live = record and nowMs < record.expiresAtMs and record or nil }
end

-- Writes the record: HSET first, the one that a full Redis may refuse. Returns nothing, or a refusal: nothing is changed.
local function write(turn, record)
  local key, before = turn.key, turn.record
  local isNew = redis.pcall('HSET', key, turn.run.service, record.text)
  if type(isNew) == 'table' then return refusal(isNew) end
  if before and record.expiresAtMs < before.expiresAtMs then
    dropExpired(key)
    return nil
  end
  return keepField(key, turn.run.service, string.format('%.0f', record.expiresAtMs), isNew == 1)
end

-- The answer 'code' with the record, and with the live link that was there before when it is asked for.
local function answer(code, record, previous)
  return code .. record.text .. (previous and '\n' .. previous.text or '')
end
