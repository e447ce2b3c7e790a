--- @include "lib/pods/podRow"
--- @include "lib/pods/readMeta"

-- All that a write needs to know of a service and one pod. Reads every key that a write touches: one of another type, or a
-- command that is not allowed, ends the script while nothing has changed. KEYS: 1 pods, 2 beats, 3 changes, 4 meta.
-- Returns what readMeta does, and `row`: nil where there is none, or a broken one. Nil: a newer format, not ours to touch.
local function readService(podIndex)
  local row, isNewer = parsePodRow(redis.call('HGET', KEYS[1], podIndex))
  redis.call('ZCARD', KEYS[2])
  redis.call('ZCARD', KEYS[3])
  local service = readMeta()
  service.row = row
  if isNewer then
    return nil
  end
  return service
end
