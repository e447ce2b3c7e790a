-- An operation that finds its own mark in the live link ran before: it is answered from the record and changes nothing.
-- marks: the opKinds that it leaves. Returns 'r' with the link, or nothing: it didn't run.
local function repeated(turn, marks)
  local live = turn.live
  if not live or live.opId ~= turn.run.opId or not string.find(marks, live.opKind, 1, true) then return nil end
  return answer('r', live)
end
