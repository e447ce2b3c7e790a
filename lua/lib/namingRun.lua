-- A run: operations of one kind that name an owner and share all but their key, pod and, with replace, expected token.
-- ARGV from `at`: service; incarnation in base 36, 0 = none; ttlMs, '' = persistent; tokenFloor, decimal, 0 = none; op id;
-- the events channel of the service where a link can be taken from an owner, or '1' for setIfAbsent with renew, else ''.
-- tail: what the records of the run share, but for their opKind. refused: the answer to all of them, when there is one.
local ONE_DAY_US = 86400000000

local function namingRun(at)
  local ttlMs, floor = tonumber(args[at + 2]), tonumber(args[at + 3])
  local incarnation, opId, channel = tonumber(args[at + 1], 36), args[at + 4], args[at + 5]
  local expiresAtMs, token = nowMs + (ttlMs or tonumber(args[3])), math.max(nowUs, tonumber(args[2]), floor + 1)
  local kind = incarnation > 0 and 'o' or ttlMs == nil and 'R' or 'r'
  return {
    service = args[at],
    incarnation = incarnation,
    persistent = ttlMs == nil,
    expiresAtMs = expiresAtMs,
    expiresAt = string.format('%.0f', expiresAtMs),
    token = token,
    opId = opId,
    channel = channel,
    renew = channel == '1',
    refused = floor > nowUs + ONE_DAY_US and 'eFLOOR',
    tail = '|' .. args[at + 1] .. '|' .. stamp(token, expiresAtMs) .. '|' .. kind .. '|' .. opId .. '|',
  }
end
