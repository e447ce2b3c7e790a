-- Names the owner when there is no link; takes what was reserved for, released by or left over from its own pod index.
-- Returns '1' or 'd' created, 't' taken, 'n' neither, each but '1' with the link; or a refusal.
local function setIfAbsent(turn)
  local live, run = turn.live, turn.run
  if live == nil then return name(turn, named(turn, 'c')) end
  local isOwn = live.podIndex == turn.podIndex
  if isOwn and run.incarnation > 0 then
    if live.kind == 'o' and live.incarnation == run.incarnation then return answer('n', live) end
    local record = named(turn, 't')
    if record == nil then return 'eTOKENS' end
    return write(turn, record) or answer('t', record)
  end
  local isReservation = live.kind == 'r' or live.kind == 'R'
  if isReservation and (isOwn or run.renew) then
    local longer = extended(live, run.expiresAtMs, run.persistent)
    return longer ~= live and write(turn, longer) or answer('n', longer)
  end
  return answer('n', live)
end
