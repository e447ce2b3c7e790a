-- Whether what a pod says of itself is a goodbye.
local function isGoodbye(said)
  return said.serviceState == 'Terminating' and said.routingState == 'Shutdown'
end
