-- Names the owner, whoever holds the link. Returns '1', 'd', 'r' (an operation of the same id ran before), 's' or a refusal.
local function set(turn)
  return name(turn, named(turn, 's'))
end
