-- Carries out one operation that names an owner.
-- operation: a function of the turn, for when it neither ran before nor is superseded; marks: the opKinds that it leaves.
-- pod, expectedToken: base 36. Returns its answer, or a refusal.
local function onLink(operation, marks, run, key, pod, expectedToken)
  local turn, refused = meet(run, key)
  if turn == nil then return refused end
  turn.pod, turn.podIndex, turn.expectedToken = pod, tonumber(pod, 36), expectedToken
  return repeated(turn, marks) or superseded(turn, turn.podIndex, run.incarnation) or operation(turn)
end
