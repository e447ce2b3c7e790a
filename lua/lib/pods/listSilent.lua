--- @include "lib/pods/podRow"

local MOST_SILENT = 128

-- The pod indexes of one end of `beats`, at most so many.
local function silentBetween(from, to, most)
  return most > 0 and redis.call('ZRANGEBYSCORE', KEYS[2], from, to, 'LIMIT', '0', tostring(most)) or {}
end

-- Those whose last report is not in (now - silenceMs, now]. KEYS: pods, beats. A report stands in `beats` at minus its time:
-- by score ages grow, first those of the future after a step back of the clock, and goodbyes, above 0, are left out.
--
-- Returns how many there are, and of at most 128: podIndex, incarnation, report number, age in ms.
local function listSilent(nowMs, silenceMs)
  local ahead, late = '(' .. wholeText(-nowMs), wholeText(silenceMs - nowMs)
  local aheadCount = redis.call('ZCOUNT', KEYS[2], '-inf', ahead)
  local count = aheadCount + redis.call('ZCOUNT', KEYS[2], late, '(0')
  if count == 0 then
    return 0, {}
  end
  local podIndexes = silentBetween('-inf', ahead, math.min(aheadCount, MOST_SILENT))
  for _, podIndex in ipairs(silentBetween(late, '(0', MOST_SILENT - #podIndexes)) do
    podIndexes[#podIndexes + 1] = podIndex
  end
  local texts, silent = redis.call('HMGET', KEYS[1], unpack(podIndexes)), {}
  for index, podIndex in ipairs(podIndexes) do
    local row = parsePodRow(texts[index])
    if row then
      silent[#silent + 1] = podIndex
      silent[#silent + 1] = row.incarnation
      silent[#silent + 1] = row.reportNumber
      silent[#silent + 1] = wholeText(nowMs - tonumber(row.reportedAtMs))
    else
      count = count - 1 -- can't be read: it is not in the rows either
    end
  end
  return count, silent
end
