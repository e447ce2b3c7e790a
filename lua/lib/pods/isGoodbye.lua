-- Whether what a pod says of itself is a goodbye.
local function isGoodbye(serviceState, routingState)
  return serviceState == 'Terminating' and routingState == 'Shutdown'
end
