--- @include "lib/pods/podSaid"

-- The same, said as a goodbye.
local function goodbyeOf(said)
  return parsePodSaid((string.gsub(said.text, '^%a+|%a+|', 'Terminating|Shutdown|', 1)))
end
