-- A run: operations of one kind that name an owner and share all but their key, pod and, with replace, expected token.
-- ARGV from `at`: service; incarnation in base 36, 0 = none; ttlMs, '' = persistent; tokenFloor, decimal, 0 = none; op id;
-- the events channel of the service where a link can be taken from an owner, or '1' for setIfAbsent with renew, else ''.
-- tail: what the records of the run share, but for their opKind. refused: the answer to all of them, when there is one.
local ONE_DAY_US = 86400000000

local function namingRun(at)
  local ttlMs, floor = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local run = {
    service = ARGV[at],
    incarnation = tonumber(ARGV[at + 1], 36),
    persistent = ttlMs == nil,
    expiresAtMs = nowMs + (ttlMs or tonumber(ARGV[3])),
    token = math.max(nowUs, tonumber(ARGV[2]), floor + 1),
    opId = ARGV[at + 4],
    channel = ARGV[at + 5],
    renew = ARGV[at + 5] == '1',
    refused = floor > nowUs + ONE_DAY_US and 'eFLOOR',
  }
  local kind = run.incarnation > 0 and 'o' or run.persistent and 'R' or 'r'
  run.tail = '|' .. ARGV[at + 1] .. '|' .. base36(run.token) .. '|' .. base36(run.expiresAtMs) .. '|' .. kind .. '|'
    .. run.opId .. '|'
  run.expiresAt = string.format('%.0f', run.expiresAtMs)
  return run
end
