-- Tells the other lives of a pod of a new one, on the channel that is the pod's own: `registered|<incarnation>|<life>`. Lost
-- links are told there too, see lib/named. Comes last, and may fail alone.
local function publishRegistration(channel, podIndex, row)
  redis.pcall('PUBLISH', channel .. ':' .. podIndex, 'registered|' .. row.incarnation .. '|' .. row.life)
end
