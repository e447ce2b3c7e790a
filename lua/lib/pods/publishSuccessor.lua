-- Tells other lives of a pod that this one has the row now, on the channel that is the pod's own:
-- `successor|<incarnation>|<life>`. Lost links are told there too, see lib/named. Comes last, and may fail alone.
local function publishSuccessor(channel, podIndex, row)
  redis.pcall('PUBLISH', channel .. ':' .. podIndex, 'successor|' .. row.incarnation .. '|' .. row.life)
end
