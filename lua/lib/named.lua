-- The record that names the run's owner under a new token: above the token of what is stored, live or expired.
-- opKind: what the operation did. expiresAtMs, persistent: the lifetime; absent: the one that the run asks for.
-- plain: it is what the caller can tell from the run alone. Raises nothing; a token that can't grow gives nil.
local function named(turn, opKind, expiresAtMs, persistent)
  local run, before = turn.run, turn.record
  if expiresAtMs == nil then expiresAtMs, persistent = run.expiresAtMs, run.persistent end
  local record = {
    pod = turn.pod,
    podIndex = turn.podIndex,
    incarnation = run.incarnation,
    token = before and math.max(run.token, before.token + 1) or run.token,
    expiresAtMs = expiresAtMs,
    kind = run.incarnation > 0 and 'o' or persistent and 'R' or 'r',
    persistent = persistent,
    opId = run.opId,
    opKind = opKind,
  }
  if record.token >= LIMIT then return nil end
  if record.token ~= run.token or expiresAtMs ~= run.expiresAtMs or persistent ~= run.persistent then
    return withText(record)
  end
  record.text = '1|' .. turn.pod .. run.tail .. opKind
  record.plain = true
  return record
end

-- Writes a record that names the run's owner, and tells the pod that owned the link until now. PUBLISH comes last and may
-- fail: verification finds what it didn't say.
-- Returns '1' when the caller can tell the link by itself and there was none; 'd' with the link and the previous one; or a
-- refusal.
local function name(turn, record)
  if record == nil then return 'eTOKENS' end
  local refused = write(turn, record)
  if refused then return refused end
  local live = turn.live
  if live and live.kind == 'o' and live.podIndex ~= record.podIndex then
    local message = string.format('%.0f', nowMs) .. '\n' .. turn.key .. '\n' .. record.text
    redis.pcall('PUBLISH', turn.run.channel .. ':' .. string.format('%.0f', live.podIndex), message)
  end
  if live == nil and record.plain then return '1' end
  return answer('d', record, live)
end
