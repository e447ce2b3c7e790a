-- The record of a link as it is stored: 1|pod|incarnation|token|expiresAtMs|linkKind|op|opKind, numbers in base 36.
-- linkKind: o owned, r reservation, R persistent reservation, g goodbye. opKind: c created, t taken, s set, m replaced,
-- g goodbye. What follows these eight parts after another '|' is ignored.
-- As a table: pod (text), podIndex, incarnation (0: none), token, expiresAtMs, kind, persistent, opId, opKind, text.
local RECORD = '^1|([0-9a-z]+)|([0-9a-z]+)|([0-9a-z]+)|([0-9a-z]+)|([orRg])|([0-9a-z]+)|([ctsmg])()'
local LIMIT = 2 ^ 53

-- Returns the record of a stored value; nil when it is broken, which counts as absent and is counted; nil and true when it
-- is of a newer format, which nobody touches.
local function parseRecord(value)
  local pod, incarnation, token, expiresAtMs, kind, opId, opKind, past = string.match(value, RECORD)
  if past and (past > #value or string.byte(value, past) == 124) and #opId <= 10 then
    local record = {
      pod = pod,
      podIndex = tonumber(pod, 36),
      incarnation = tonumber(incarnation, 36),
      token = tonumber(token, 36),
      expiresAtMs = tonumber(expiresAtMs, 36),
      kind = kind,
      persistent = kind == 'o' or kind == 'R',
      opId = opId,
      opKind = opKind,
      text = string.sub(value, 1, past - 1),
    }
    local fits = record.podIndex <= 65535 and record.incarnation < LIMIT and record.token < LIMIT
    local owned = kind == 'g' or (record.incarnation > 0) == (kind == 'o')
    if fits and owned and record.expiresAtMs <= 2 * LIMIT then return record end
  end
  local format = tonumber(string.match(value, '^(%d+)|'))
  if format and format > 1 then return nil, true end
  brokenValues = brokenValues + 1
  return nil
end

-- Fills in the text of a record that is otherwise complete, and returns it.
local function withText(record)
  record.text = '1|' .. record.pod .. '|' .. base36(record.incarnation) .. '|' .. base36(record.token) .. '|'
    .. base36(record.expiresAtMs) .. '|' .. record.kind .. '|' .. record.opId .. '|' .. record.opKind
  return record
end

-- The record under the same token, mark and holder, with the longer of its own and another lifetime. The very same table
-- when its own is the longer one.
local function extended(record, expiresAtMs, persistent)
  if expiresAtMs <= record.expiresAtMs and (record.persistent or not persistent) then return record end
  local longer = {}
  for name, value in pairs(record) do longer[name] = value end
  longer.expiresAtMs = math.max(expiresAtMs, record.expiresAtMs)
  if persistent and record.kind == 'r' then longer.kind, longer.persistent = 'R', true end
  return withText(longer)
end
