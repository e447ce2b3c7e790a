// Written by scripts/generate-lua.mjs from lua/*.lua and lua/lib: change those, then run it.
import type { Script } from "./script.ts";

/** The names of the scripts: of their files in lua/. */
export type ScriptName = "createLinks" | "leave" | "linkOps" | "linkOpsFreeing" | "readPods" | "register" | "report";

/** All scripts by name. */
export const scripts: Readonly<Record<ScriptName, Script>> = {
  createLinks: {
    name: "createLinks",
    sha: "c68ca6128ef145e7f9424d78b5becd297add9671",
    source: `local keys, args = KEYS, ARGV
if args[1] == 'self-test' then
  local function selfTest(commands)
    for _, command in ipairs(commands) do
      local reply = redis.pcall(unpack(command))
      if type(reply) == 'table' and reply.err then return { 'refused', command[1], reply.err } end
    end
    return { 'ok' }
  end
  local function selfTestLinkWrites(channel)
    local key = KEYS[1]
    return selfTest({
      { 'TIME' },
      { 'HGET', key, 'self-test' },
      { 'HLEN', key },
      { 'HGETALL', key },
      { 'PEXPIREAT', key, '99999999999999', 'GT' },
      { 'PUBLISH', channel, 'self-test' },
      { 'HDEL', key, 'self-test' },
      { 'HSETNX', key, 'self-test', '' },
      { 'HDEL', key, 'self-test' },
      { 'HSET', key, 'self-test', '' },
      { 'HDEL', key, 'self-test' },
    })
  end
  return selfTestLinkWrites(args[2])
end
local brokenValues, total, given = 0, #keys, args[#keys + 7]
local nowUs = tonumber(given)
if nowUs == nil then
  local time = redis.call('TIME')
  nowUs = time[1] * 1000000 + time[2]
end
local nowMs = (nowUs - nowUs % 1000) / 1000
local function base36(number)
  local text, char = '', string.char
  repeat
    local group = math.fmod(number, 1679616)
    number = (number - group) / 1679616
    local fourth = group % 36
    group = (group - fourth) / 36
    local third = group % 36
    group = (group - third) / 36
    local second = group % 36
    local first = (group - second) / 36
    text = char(
      first < 10 and first + 48 or first + 87,
      second < 10 and second + 48 or second + 87,
      third < 10 and third + 48 or third + 87,
      fourth < 10 and fourth + 48 or fourth + 87
    ) .. text
  until number == 0
  return (string.gsub(text, '^0+(.)', '%1'))
end
local function stamp(token, expiresAtMs)
  if token < 101559956668416 or token >= 3656158440062976 or expiresAtMs < 78364164096 or expiresAtMs >= 2821109907456 then
    return base36(token) .. '|' .. base36(expiresAtMs)
  end
  local low = token % 60466176
  local high = (token - low) / 60466176
  local t5 = high % 36
  high = (high - t5) / 36
  local t4 = high % 36
  high = (high - t4) / 36
  local t3 = high % 36
  high = (high - t3) / 36
  local t2 = high % 36
  local t1 = (high - t2) / 36
  local t10 = low % 36
  low = (low - t10) / 36
  local t9 = low % 36
  low = (low - t9) / 36
  local t8 = low % 36
  low = (low - t8) / 36
  local t7 = low % 36
  local t6 = (low - t7) / 36
  low = expiresAtMs % 1679616
  high = (expiresAtMs - low) / 1679616
  local e4 = high % 36
  high = (high - e4) / 36
  local e3 = high % 36
  high = (high - e3) / 36
  local e2 = high % 36
  local e1 = (high - e2) / 36
  local e8 = low % 36
  low = (low - e8) / 36
  local e7 = low % 36
  low = (low - e7) / 36
  local e6 = low % 36
  local e5 = (low - e6) / 36
  return string.char(
    t1 < 10 and t1 + 48 or t1 + 87, t2 < 10 and t2 + 48 or t2 + 87, t3 < 10 and t3 + 48 or t3 + 87,
    t4 < 10 and t4 + 48 or t4 + 87, t5 < 10 and t5 + 48 or t5 + 87, t6 < 10 and t6 + 48 or t6 + 87,
    t7 < 10 and t7 + 48 or t7 + 87, t8 < 10 and t8 + 48 or t8 + 87, t9 < 10 and t9 + 48 or t9 + 87,
    t10 < 10 and t10 + 48 or t10 + 87, 124,
    e1 < 10 and e1 + 48 or e1 + 87, e2 < 10 and e2 + 48 or e2 + 87, e3 < 10 and e3 + 48 or e3 + 87,
    e4 < 10 and e4 + 48 or e4 + 87, e5 < 10 and e5 + 48 or e5 + 87, e6 < 10 and e6 + 48 or e6 + 87,
    e7 < 10 and e7 + 48 or e7 + 87, e8 < 10 and e8 + 48 or e8 + 87
  )
end
local tryCall, call, serviceName = redis.pcall, redis.call, args[2]
local newToken, endsAtMs = math.max(nowUs, args[1]), nowMs + args[3]
local tail, endsAt = args[4] .. stamp(newToken, endsAtMs) .. args[5], string.format('%d', endsAtMs)
local answers, meetStored
for place = 1, total do
  local hash = keys[place]
  local isMade = tryCall('HSETNX', hash, serviceName, '1|' .. args[place + 5] .. tail .. 'c')
  if isMade == 1 and call('PEXPIREAT', hash, endsAt, 'NX') == 1 then
    if answers then answers[place + 2] = '1' end
  else
    if not answers then
      local function refusal(reply)
        if string.find(reply.err, '^READONLY ') then error(reply) end
        if string.find(reply.err, "^ERR The user executing the script can't ") then return 'eNOPERM' end
        return 'e' .. (string.match(reply.err, '^(%u+)') or 'ERR')
      end
      local RECORD = '^1|([0-9a-z]+)|([0-9a-z]+)|([0-9a-z]+)|([0-9a-z]+)|([orRg])|([0-9a-z]+)|([ctsmg])()'
      local LIMIT = 2 ^ 53
      local function parseRecord(value)
        local pod, incarnation, token, expiresAtMs, kind, opId, opKind, past = string.match(value, RECORD)
        if past and (past > #value or string.byte(value, past) == 124) and #opId <= 10 then
          local record = {
            pod = pod,
            podIndex = tonumber(pod, 36),
            incarnation = tonumber(incarnation, 36),
            token = tonumber(token, 36),
            expiresAtMs = tonumber(expiresAtMs, 36),
            kind = kind,
            persistent = kind == 'o' or kind == 'R',
            opId = opId,
            opKind = opKind,
            text = string.sub(value, 1, past - 1),
          }
          local fits = record.podIndex <= 65535 and record.incarnation < LIMIT and record.token < LIMIT
          local owned = kind == 'g' or (record.incarnation > 0) == (kind == 'o')
          if fits and owned and record.expiresAtMs <= 2 * LIMIT then return record end
        end
        local format = tonumber(string.match(value, '^(%d+)|'))
        if format and format > 1 then return nil, true end
        brokenValues = brokenValues + 1
        return nil
      end
      local function withText(record)
        record.text = '1|' .. record.pod .. '|' .. base36(record.incarnation) .. '|' .. base36(record.token) .. '|'
          .. base36(record.expiresAtMs) .. '|' .. record.kind .. '|' .. record.opId .. '|' .. record.opKind
        return record
      end
      local function extended(record, expiresAtMs, persistent)
        if expiresAtMs <= record.expiresAtMs and (record.persistent or not persistent) then return record end
        local longer = {}
        for name, value in pairs(record) do longer[name] = value end
        longer.expiresAtMs = math.max(expiresAtMs, record.expiresAtMs)
        if persistent and record.kind == 'r' then longer.kind, longer.persistent = 'R', true end
        return withText(longer)
      end
      local MAX_SERVICES = 128
      local function dropExpired(key)
        if redis.call('HLEN', key) > MAX_SERVICES + 1 then return end
        local fields = redis.call('HGETALL', key)
        local gone, longest, isNewer = {}, 0, false
        for at = 1, #fields, 2 do
          local record, newer = parseRecord(fields[at + 1])
          if newer then
            isNewer = true
          elseif record and nowMs < record.expiresAtMs then
            longest = math.max(longest, record.expiresAtMs)
          else
            gone[#gone + 1] = fields[at]
          end
        end
        if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
        if longest > 0 and not isNewer then redis.call('PEXPIREAT', key, string.format('%.0f', longest)) end
      end
      local function keepField(key, service, expiresAt, isNew)
        if redis.call('PEXPIREAT', key, expiresAt, 'NX') == 1 then return nil end
        if isNew and redis.call('HLEN', key) > MAX_SERVICES then
          dropExpired(key)
          if redis.call('HLEN', key) > MAX_SERVICES then
            redis.call('HDEL', key, service)
            return 'eSERVICES'
          end
        end
        redis.call('PEXPIREAT', key, expiresAt, 'GT')
        return nil
      end
      local function meet(run, key)
        local value = redis.pcall('HGET', key, run.service)
        if not value then return { key = key, run = run } end
        if type(value) == 'table' then return nil, refusal(value) end
        local record, newer = parseRecord(value)
        if newer then return nil, 'eNEWER' end
        return { key = key, run = run, record = record, live = record and nowMs < record.expiresAtMs and record or nil }
      end
      local function write(turn, record)
        local key, before = turn.key, turn.record
        local isNew = redis.pcall('HSET', key, turn.run.service, record.text)
        if type(isNew) == 'table' then return refusal(isNew) end
        if before and record.expiresAtMs < before.expiresAtMs then
          dropExpired(key)
          return nil
        end
        return keepField(key, turn.run.service, string.format('%.0f', record.expiresAtMs), isNew == 1)
      end
      local function answer(code, record, previous)
        return code .. record.text .. (previous and '\\n' .. previous.text or '')
      end
      local function superseded(turn, podIndex, incarnation)
        local live = turn.live
        if not live or podIndex ~= live.podIndex or (incarnation or 0) == 0 then return nil end
        if incarnation < live.incarnation then return answer('s', live) end
        return nil
      end
      local function repeated(turn, marks)
        local live = turn.live
        if not live or live.opId ~= turn.run.opId or not string.find(marks, live.opKind, 1, true) then return nil end
        return answer('r', live)
      end
      local function named(turn, opKind, expiresAtMs, persistent)
        local run, before = turn.run, turn.record
        if expiresAtMs == nil then expiresAtMs, persistent = run.expiresAtMs, run.persistent end
        local record = {
          pod = turn.pod,
          podIndex = turn.podIndex,
          incarnation = run.incarnation,
          token = before and math.max(run.token, before.token + 1) or run.token,
          expiresAtMs = expiresAtMs,
          kind = run.incarnation > 0 and 'o' or persistent and 'R' or 'r',
          persistent = persistent,
          opId = run.opId,
          opKind = opKind,
        }
        if record.token >= LIMIT then return nil end
        if record.token ~= run.token or expiresAtMs ~= run.expiresAtMs or persistent ~= run.persistent then
          return withText(record)
        end
        record.text = '1|' .. turn.pod .. run.tail .. opKind
        record.plain = true
        return record
      end
      local function name(turn, record)
        if record == nil then return 'eTOKENS' end
        local refused = write(turn, record)
        if refused then return refused end
        local live = turn.live
        if live and live.kind == 'o' and live.podIndex ~= record.podIndex then
          local message = string.format('%.0f', nowMs) .. '\\n' .. turn.key .. '\\n' .. record.text
          redis.pcall('PUBLISH', turn.run.channel .. ':' .. string.format('%.0f', live.podIndex), message)
        end
        if live == nil and record.plain then return '1' end
        return answer('d', record, live)
      end
      local function setIfAbsent(turn)
        local live, run = turn.live, turn.run
        if live == nil then return name(turn, named(turn, 'c')) end
        local isOwn = live.podIndex == turn.podIndex
        if isOwn and run.incarnation > 0 then
          if live.kind == 'o' and live.incarnation == run.incarnation then return answer('n', live) end
          local record = named(turn, 't')
          if record == nil then return 'eTOKENS' end
          return write(turn, record) or answer('t', record)
        end
        local isReservation = live.kind == 'r' or live.kind == 'R'
        if isReservation and (isOwn or run.renew) then
          local longer = extended(live, run.expiresAtMs, run.persistent)
          return longer ~= live and write(turn, longer) or answer('n', longer)
        end
        return answer('n', live)
      end
      local function onLink(operation, marks, run, key, pod, expectedToken)
        local turn, refused = meet(run, key)
        if turn == nil then return refused end
        turn.pod, turn.podIndex, turn.expectedToken = pod, tonumber(pod, 36), expectedToken
        return repeated(turn, marks) or superseded(turn, turn.podIndex, run.incarnation) or operation(turn)
      end
      local kind, opId = string.match(args[5], '^|(.)|(.+)|$')
      local shared = {
        service = serviceName,
        incarnation = tonumber(string.sub(args[4], 2, -2), 36),
        persistent = kind ~= 'r',
        expiresAtMs = endsAtMs,
        token = newToken,
        opId = opId,
        renew = args[total + 6] == '1',
        tail = tail,
      }
      meetStored = function(where, made, pod)
        if made == 1 then return keepField(where, serviceName, endsAt, true) or '1' end
        local refused = made ~= 0 and refusal(made)
        if refused and refused ~= 'eOOM' then return refused end
        return onLink(setIfAbsent, 'ct', shared, where, pod)
      end
      answers = { nowUs, 0 }
      for past = 1, place - 1 do answers[past + 2] = '1' end
    end
    answers[place + 2] = meetStored(hash, isMade, args[place + 5])
  end
end
if not answers then return nowUs end
answers[2] = brokenValues
return answers
`,
  },
  leave: {
    name: "leave",
    sha: "12d33c2fc5c477d5e55e59f29e47e9397a31e864",
    source: `#!lua flags=allow-oom
local POD_ROW = '^1|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|([^|]+)|(%d+)|([^|]+)|(.+)$'
local POD_SAID = '^(%a+)|(%a+)|([^|]+)|([^|]+)|(%d+)|(%d+)|([^|]*)|.'
local function parsePodSaid(text)
  local serviceState, routingState, loadState, loadScore, linkCount, leaseMs, address = string.match(text, POD_SAID)
  if not (tonumber(loadState) and tonumber(loadScore)) then
    return nil
  end
  return {
    text = text,
    serviceState = serviceState,
    routingState = routingState,
    loadScore = loadScore,
    linkCount = linkCount,
    leaseMs = leaseMs,
    address = address,
  }
end
local function goodbyeOf(said)
  return parsePodSaid((string.gsub(said.text, '^%a+|%a+|', 'Terminating|Shutdown|', 1)))
end
local function publishRow(channel, podIndex, text, published)
  redis.pcall('PUBLISH', channel, published .. '|' .. podIndex .. '|' .. text)
end
local function wholeText(number)
  return string.format('%.0f', number)
end
local HIGHEST_WHOLE = 9007199254740991 -- 2^53 - 1
local function parsePodRow(text)
  if not text then
    return nil, false
  end
  local incarnation, reportNumber, reportedAtMs, sequence, claimAfterMs, loadScore, linkCount, life, said =
    string.match(text, POD_ROW)
  if not incarnation then
    return nil, (tonumber(string.match(text, '^(%d+)|')) or 0) > 1
  end
  local row = {
    incarnation = incarnation,
    reportNumber = reportNumber,
    reportedAtMs = reportedAtMs,
    sequence = sequence,
    claimAfterMs = claimAfterMs,
    sequencedLoadScore = loadScore,
    sequencedLinkCount = linkCount,
    life = life,
    said = parsePodSaid(said),
  }
  if row.said and tonumber(loadScore) and tonumber(incarnation) <= HIGHEST_WHOLE then
    return row, false
  end
  return nil, false
end
local function readMeta()
  local meta = redis.call('HMGET', KEYS[4], 'generation', 'sequence', 'published')
  return { generation = meta[1] or '', sequence = tonumber(meta[2]) or 0, published = meta[3] or '0' }
end
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
local function selfTest(commands)
  for _, command in ipairs(commands) do
    local reply = redis.pcall(unpack(command))
    if type(reply) == 'table' and reply.err then return { 'refused', command[1], reply.err } end
  end
  return { 'ok' }
end
local function selfTestPodWrites(channel)
  return selfTest({
    { 'TIME' },
    { 'HDEL', KEYS[1], '0' },
    { 'ZREM', KEYS[2], '0' },
    { 'HGET', KEYS[1], '0' },
    { 'HMGET', KEYS[4], 'generation' },
    { 'ZCARD', KEYS[2] },
    { 'ZRANGEBYSCORE', KEYS[2], '1', '1' },
    { 'PUBLISH', channel, 'self-test' },
    { 'HSET', KEYS[1], '0', 'self-test' },
    { 'HDEL', KEYS[1], '0' },
    { 'ZADD', KEYS[2], '1', '0' },
    { 'ZREM', KEYS[2], '0' },
  })
end
local function storeNowMs(given)
  if given ~= '' then
    return tonumber(given)
  end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local function isGoodbye(serviceState, routingState)
  return serviceState == 'Terminating' and routingState == 'Shutdown'
end
local function podRowText(
  incarnation,
  reportNumber,
  reportedAtMs,
  sequence,
  claimAfterMs,
  loadScore,
  linkCount,
  life,
  said
)
  return '1|'
    .. incarnation
    .. '|'
    .. reportNumber
    .. '|'
    .. reportedAtMs
    .. '|'
    .. sequence
    .. '|'
    .. claimAfterMs
    .. '|'
    .. loadScore
    .. '|'
    .. linkCount
    .. '|'
    .. life
    .. '|'
    .. said
end
local function writeRow(podIndex, text, beat, sequence, isPublished)
  redis.call('HSET', KEYS[1], podIndex, text)
  redis.call('ZADD', KEYS[2], beat, podIndex)
  if not sequence then
    return
  end
  redis.call('ZADD', KEYS[3], sequence, podIndex)
  if isPublished then
    redis.call('HSET', KEYS[4], 'sequence', sequence, 'published', sequence)
  else
    redis.call('HSET', KEYS[4], 'sequence', sequence)
  end
end
local function storeRow(podIndex, row, service)
  local said, sequence = row.said, wholeText(service.sequence + 1)
  local text = podRowText(
    row.incarnation,
    row.reportNumber,
    row.reportedAtMs,
    sequence,
    row.claimAfterMs,
    said.loadScore,
    said.linkCount,
    row.life,
    said.text
  )
  local beat = isGoodbye(said.serviceState, said.routingState) and row.reportedAtMs or '-' .. row.reportedAtMs
  writeRow(podIndex, text, beat, sequence, true)
  return text
end
local WORKLOAD_WRITER = '^(%d+) (%d+) (%d+)$'
local channel, podIndex = ARGV[2], ARGV[3]
local function leave()
  local nowMs = storeNowMs(ARGV[1])
  local service = readService(podIndex)
  if not service then
    return { 'corrupt' }
  end
  local row = service.row
  if not row or row.incarnation ~= ARGV[4] then
    return { 'not-left' }
  end
  if isGoodbye(row.said.serviceState, row.said.routingState) then
    return { 'left' }
  end
  row.said = goodbyeOf(row.said)
  row.reportedAtMs = wholeText(nowMs)
  local text = storeRow(podIndex, row, service)
  if string.match(redis.call('HGET', KEYS[4], 'writer') or '', WORKLOAD_WRITER) == podIndex then
    redis.call('HDEL', KEYS[4], 'writer')
  end
  publishRow(channel, podIndex, text, service.published)
  return { 'left' }
end
return ARGV[1] == 'self-test' and selfTestPodWrites(channel) or leave()
`,
  },
  linkOps: {
    name: "linkOps",
    sha: "b97edddf5c3e823c82ce5c0c055980554a6c9c49",
    source: `if ARGV[1] == 'self-test' then
  local function selfTest(commands)
    for _, command in ipairs(commands) do
      local reply = redis.pcall(unpack(command))
      if type(reply) == 'table' and reply.err then return { 'refused', command[1], reply.err } end
    end
    return { 'ok' }
  end
  local function selfTestLinkWrites(channel)
    local key = KEYS[1]
    return selfTest({
      { 'TIME' },
      { 'HGET', key, 'self-test' },
      { 'HLEN', key },
      { 'HGETALL', key },
      { 'PEXPIREAT', key, '99999999999999', 'GT' },
      { 'PUBLISH', channel, 'self-test' },
      { 'HDEL', key, 'self-test' },
      { 'HSETNX', key, 'self-test', '' },
      { 'HDEL', key, 'self-test' },
      { 'HSET', key, 'self-test', '' },
      { 'HDEL', key, 'self-test' },
    })
  end
  return selfTestLinkWrites(ARGV[2])
end
local keys, args = KEYS, ARGV
local brokenValues, given = 0, args[1]
local nowUs = tonumber(given)
if nowUs == nil then
  local time = redis.call('TIME')
  nowUs = time[1] * 1000000 + time[2]
end
local nowMs = (nowUs - nowUs % 1000) / 1000
local function storedValues(before, count, service)
  local call, find, uids, values = redis.call, string.find, keys, {}
  for position = before + 1, before + count do
    local value = call('HGET', uids[position], service)
    if not value then
      value = '0'
    elseif value == '0' or find(value, '\\n', 1, true) then
      return nil
    end
    values[position - before] = value
  end
  values[1] = '=' .. values[1] -- before the joined text it would have all of that copied
  return table.concat(values, '\\n')
end
local function getAll(before, count, service)
  local isRead, values = pcall(storedValues, before, count, service)
  return isRead and values
end
if args[4] == 'get' and tonumber(args[5]) == #keys then
  local all = getAll(0, #keys, args[6])
  if all then return { nowUs, brokenValues, all } end -- nothing of what follows is made for it
end
local function base36(number)
  local text, char = '', string.char
  repeat
    local group = math.fmod(number, 1679616)
    number = (number - group) / 1679616
    local fourth = group % 36
    group = (group - fourth) / 36
    local third = group % 36
    group = (group - third) / 36
    local second = group % 36
    local first = (group - second) / 36
    text = char(
      first < 10 and first + 48 or first + 87,
      second < 10 and second + 48 or second + 87,
      third < 10 and third + 48 or third + 87,
      fourth < 10 and fourth + 48 or fourth + 87
    ) .. text
  until number == 0
  return (string.gsub(text, '^0+(.)', '%1'))
end
local function stamp(token, expiresAtMs)
  if token < 101559956668416 or token >= 3656158440062976 or expiresAtMs < 78364164096 or expiresAtMs >= 2821109907456 then
    return base36(token) .. '|' .. base36(expiresAtMs)
  end
  local low = token % 60466176
  local high = (token - low) / 60466176
  local t5 = high % 36
  high = (high - t5) / 36
  local t4 = high % 36
  high = (high - t4) / 36
  local t3 = high % 36
  high = (high - t3) / 36
  local t2 = high % 36
  local t1 = (high - t2) / 36
  local t10 = low % 36
  low = (low - t10) / 36
  local t9 = low % 36
  low = (low - t9) / 36
  local t8 = low % 36
  low = (low - t8) / 36
  local t7 = low % 36
  local t6 = (low - t7) / 36
  low = expiresAtMs % 1679616
  high = (expiresAtMs - low) / 1679616
  local e4 = high % 36
  high = (high - e4) / 36
  local e3 = high % 36
  high = (high - e3) / 36
  local e2 = high % 36
  local e1 = (high - e2) / 36
  local e8 = low % 36
  low = (low - e8) / 36
  local e7 = low % 36
  low = (low - e7) / 36
  local e6 = low % 36
  local e5 = (low - e6) / 36
  return string.char(
    t1 < 10 and t1 + 48 or t1 + 87, t2 < 10 and t2 + 48 or t2 + 87, t3 < 10 and t3 + 48 or t3 + 87,
    t4 < 10 and t4 + 48 or t4 + 87, t5 < 10 and t5 + 48 or t5 + 87, t6 < 10 and t6 + 48 or t6 + 87,
    t7 < 10 and t7 + 48 or t7 + 87, t8 < 10 and t8 + 48 or t8 + 87, t9 < 10 and t9 + 48 or t9 + 87,
    t10 < 10 and t10 + 48 or t10 + 87, 124,
    e1 < 10 and e1 + 48 or e1 + 87, e2 < 10 and e2 + 48 or e2 + 87, e3 < 10 and e3 + 48 or e3 + 87,
    e4 < 10 and e4 + 48 or e4 + 87, e5 < 10 and e5 + 48 or e5 + 87, e6 < 10 and e6 + 48 or e6 + 87,
    e7 < 10 and e7 + 48 or e7 + 87, e8 < 10 and e8 + 48 or e8 + 87
  )
end
local function refusal(reply)
  if string.find(reply.err, '^READONLY ') then error(reply) end
  if string.find(reply.err, "^ERR The user executing the script can't ") then return 'eNOPERM' end
  return 'e' .. (string.match(reply.err, '^(%u+)') or 'ERR')
end
local ONE_DAY_US = 86400000000
local function namingRun(at)
  local ttlMs, floor = tonumber(args[at + 2]), tonumber(args[at + 3])
  local incarnation, opId, channel = tonumber(args[at + 1], 36), args[at + 4], args[at + 5]
  local expiresAtMs, token = nowMs + (ttlMs or tonumber(args[3])), math.max(nowUs, tonumber(args[2]), floor + 1)
  local kind = incarnation > 0 and 'o' or ttlMs == nil and 'R' or 'r'
  return {
    service = args[at],
    incarnation = incarnation,
    persistent = ttlMs == nil,
    expiresAtMs = expiresAtMs,
    expiresAt = string.format('%.0f', expiresAtMs),
    token = token,
    opId = opId,
    channel = channel,
    renew = channel == '1',
    refused = floor > nowUs + ONE_DAY_US and 'eFLOOR',
    tail = '|' .. args[at + 1] .. '|' .. stamp(token, expiresAtMs) .. '|' .. kind .. '|' .. opId .. '|',
  }
end
local function get(key, service)
  local value = redis.pcall('HGET', key, service)
  if not value then return '0' end
  if type(value) == 'table' then return refusal(value) end
  return 'v' .. value
end
local function services(key)
  local fields = redis.pcall('HLEN', key)
  if type(fields) == 'table' then return refusal(fields) end
  if fields > 128 then return 'eSERVICES' end
  return redis.call('HGETALL', key)
end
local perform, keepKey
local function makeOperations()
  local RECORD = '^1|([0-9a-z]+)|([0-9a-z]+)|([0-9a-z]+)|([0-9a-z]+)|([orRg])|([0-9a-z]+)|([ctsmg])()'
  local LIMIT = 2 ^ 53
  local function parseRecord(value)
    local pod, incarnation, token, expiresAtMs, kind, opId, opKind, past = string.match(value, RECORD)
    if past and (past > #value or string.byte(value, past) == 124) and #opId <= 10 then
      local record = {
        pod = pod,
        podIndex = tonumber(pod, 36),
        incarnation = tonumber(incarnation, 36),
        token = tonumber(token, 36),
        expiresAtMs = tonumber(expiresAtMs, 36),
        kind = kind,
        persistent = kind == 'o' or kind == 'R',
        opId = opId,
        opKind = opKind,
        text = string.sub(value, 1, past - 1),
      }
      local fits = record.podIndex <= 65535 and record.incarnation < LIMIT and record.token < LIMIT
      local owned = kind == 'g' or (record.incarnation > 0) == (kind == 'o')
      if fits and owned and record.expiresAtMs <= 2 * LIMIT then return record end
    end
    local format = tonumber(string.match(value, '^(%d+)|'))
    if format and format > 1 then return nil, true end
    brokenValues = brokenValues + 1
    return nil
  end
  local function withText(record)
    record.text = '1|' .. record.pod .. '|' .. base36(record.incarnation) .. '|' .. base36(record.token) .. '|'
      .. base36(record.expiresAtMs) .. '|' .. record.kind .. '|' .. record.opId .. '|' .. record.opKind
    return record
  end
  local function extended(record, expiresAtMs, persistent)
    if expiresAtMs <= record.expiresAtMs and (record.persistent or not persistent) then return record end
    local longer = {}
    for name, value in pairs(record) do longer[name] = value end
    longer.expiresAtMs = math.max(expiresAtMs, record.expiresAtMs)
    if persistent and record.kind == 'r' then longer.kind, longer.persistent = 'R', true end
    return withText(longer)
  end
  local MAX_SERVICES = 128
  local function dropExpired(key)
    if redis.call('HLEN', key) > MAX_SERVICES + 1 then return end
    local fields = redis.call('HGETALL', key)
    local gone, longest, isNewer = {}, 0, false
    for at = 1, #fields, 2 do
      local record, newer = parseRecord(fields[at + 1])
      if newer then
        isNewer = true
      elseif record and nowMs < record.expiresAtMs then
        longest = math.max(longest, record.expiresAtMs)
      else
        gone[#gone + 1] = fields[at]
      end
    end
    if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
    if longest > 0 and not isNewer then redis.call('PEXPIREAT', key, string.format('%.0f', longest)) end
  end
  local function keepField(key, service, expiresAt, isNew)
    if redis.call('PEXPIREAT', key, expiresAt, 'NX') == 1 then return nil end
    if isNew and redis.call('HLEN', key) > MAX_SERVICES then
      dropExpired(key)
      if redis.call('HLEN', key) > MAX_SERVICES then
        redis.call('HDEL', key, service)
        return 'eSERVICES'
      end
    end
    redis.call('PEXPIREAT', key, expiresAt, 'GT')
    return nil
  end
  local function meet(run, key)
    local value = redis.pcall('HGET', key, run.service)
    if not value then return { key = key, run = run } end
    if type(value) == 'table' then return nil, refusal(value) end
    local record, newer = parseRecord(value)
    if newer then return nil, 'eNEWER' end
    return { key = key, run = run, record = record, live = record and nowMs < record.expiresAtMs and record or nil }
  end
  local function write(turn, record)
    local key, before = turn.key, turn.record
    local isNew = redis.pcall('HSET', key, turn.run.service, record.text)
    if type(isNew) == 'table' then return refusal(isNew) end
    if before and record.expiresAtMs < before.expiresAtMs then
      dropExpired(key)
      return nil
    end
    return keepField(key, turn.run.service, string.format('%.0f', record.expiresAtMs), isNew == 1)
  end
  local function answer(code, record, previous)
    return code .. record.text .. (previous and '\\n' .. previous.text or '')
  end
  local function superseded(turn, podIndex, incarnation)
    local live = turn.live
    if not live or podIndex ~= live.podIndex or (incarnation or 0) == 0 then return nil end
    if incarnation < live.incarnation then return answer('s', live) end
    return nil
  end
  local function repeated(turn, marks)
    local live = turn.live
    if not live or live.opId ~= turn.run.opId or not string.find(marks, live.opKind, 1, true) then return nil end
    return answer('r', live)
  end
  local function named(turn, opKind, expiresAtMs, persistent)
    local run, before = turn.run, turn.record
    if expiresAtMs == nil then expiresAtMs, persistent = run.expiresAtMs, run.persistent end
    local record = {
      pod = turn.pod,
      podIndex = turn.podIndex,
      incarnation = run.incarnation,
      token = before and math.max(run.token, before.token + 1) or run.token,
      expiresAtMs = expiresAtMs,
      kind = run.incarnation > 0 and 'o' or persistent and 'R' or 'r',
      persistent = persistent,
      opId = run.opId,
      opKind = opKind,
    }
    if record.token >= LIMIT then return nil end
    if record.token ~= run.token or expiresAtMs ~= run.expiresAtMs or persistent ~= run.persistent then
      return withText(record)
    end
    record.text = '1|' .. turn.pod .. run.tail .. opKind
    record.plain = true
    return record
  end
  local function name(turn, record)
    if record == nil then return 'eTOKENS' end
    local refused = write(turn, record)
    if refused then return refused end
    local live = turn.live
    if live and live.kind == 'o' and live.podIndex ~= record.podIndex then
      local message = string.format('%.0f', nowMs) .. '\\n' .. turn.key .. '\\n' .. record.text
      redis.pcall('PUBLISH', turn.run.channel .. ':' .. string.format('%.0f', live.podIndex), message)
    end
    if live == nil and record.plain then return '1' end
    return answer('d', record, live)
  end
  local function set(turn)
    return name(turn, named(turn, 's'))
  end
  local function trySet(turn)
    local live, run = turn.live, turn.run
    if live == nil then return name(turn, named(turn, 's')) end
    if live.podIndex ~= turn.podIndex then
      if live.persistent then return answer('n', live) end
      return name(turn, named(turn, 's'))
    end
    if live.kind == 'g' then return name(turn, named(turn, 's')) end -- its rest is no lifetime of what comes next
    if live.kind == 'o' and run.incarnation == 0 then return answer('d', live, live) end -- never beats an owner
    if live.kind == 'o' and run.incarnation == live.incarnation then
      local longer = extended(live, run.expiresAtMs, run.persistent)
      return longer ~= live and write(turn, longer) or answer('d', longer, live)
    end
    local expiresAtMs = math.max(run.expiresAtMs, live.expiresAtMs)
    return name(turn, named(turn, 's', expiresAtMs, run.persistent or live.persistent))
  end
  local function setIfAbsent(turn)
    local live, run = turn.live, turn.run
    if live == nil then return name(turn, named(turn, 'c')) end
    local isOwn = live.podIndex == turn.podIndex
    if isOwn and run.incarnation > 0 then
      if live.kind == 'o' and live.incarnation == run.incarnation then return answer('n', live) end
      local record = named(turn, 't')
      if record == nil then return 'eTOKENS' end
      return write(turn, record) or answer('t', record)
    end
    local isReservation = live.kind == 'r' or live.kind == 'R'
    if isReservation and (isOwn or run.renew) then
      local longer = extended(live, run.expiresAtMs, run.persistent)
      return longer ~= live and write(turn, longer) or answer('n', longer)
    end
    return answer('n', live)
  end
  local function replace(turn)
    local live = turn.live
    if live and live.token ~= tonumber(turn.expectedToken, 36) then return answer('n', live) end
    return name(turn, named(turn, 'm'))
  end
  local function onLink(operation, marks, run, key, pod, expectedToken)
    local turn, refused = meet(run, key)
    if turn == nil then return refused end
    turn.pod, turn.podIndex, turn.expectedToken = pod, tonumber(pod, 36), expectedToken
    return repeated(turn, marks) or superseded(turn, turn.podIndex, run.incarnation) or operation(turn)
  end
  local operations = { set = set, trySet = trySet, setIfAbsent = setIfAbsent, replace = replace }
  local marks = { set = 's', trySet = 's', setIfAbsent = 'ct', replace = 'm' }
  keepKey = keepField
  perform = function(kind, run, key, pod, expectedToken)
    return onLink(operations[kind], marks[kind], run, key, pod, expectedToken)
  end
end
local tryCall, call = redis.pcall, redis.call
local function create(service, rest, expiresAt, key, pod, count)
  for made = 0, count - 1 do
    local name = keys[key + made]
    local isNew = tryCall('HSETNX', name, service, '1|' .. args[pod + made] .. rest)
    if isNew == 0 then return made, false end
    if isNew ~= 1 then
      local refused = refusal(isNew)
      return made, refused ~= 'eOOM' and refused
    end
    if call('PEXPIREAT', name, expiresAt, 'NX') ~= 1 then
      if not keepKey then makeOperations() end
      return made, keepKey(name, service, expiresAt, true) or '1'
    end
  end
  return count
end
local answers, key, at = { nowUs, 0 }, 0, 4
while args[at] do
  local kind, count, first = args[at], tonumber(args[at + 1]), #answers + 1
  if kind == 'get' or kind == 'services' then
    local read, service = kind == 'get' and get or services, args[at + 2]
    local all = kind == 'get' and getAll(key, count, service)
    if all then
      answers[first], key = all, key + count
    else
      for position = 0, count - 1 do
        key = key + 1
        answers[first + position] = read(keys[key], service)
      end
    end
    at = at + 3
  else
    local run = namingRun(at + 2)
    local width = kind == 'replace' and 2 or 1
    local isClaim = kind == 'setIfAbsent'
    local position, plain = 0, 0
    at = at + 8
    while position < count do
      local made, reply = 0, run.refused
      if isClaim and not reply then
        made, reply = create(run.service, run.tail .. 'c', run.expiresAt, key + 1, at, count - position)
      end
      for past = position, position + made - 1 do answers[first + past] = '1' end
      position, plain, key, at = position + made, plain + made, key + made, at + made
      if position < count then
        key = key + 1
        if not reply then
          if not perform then makeOperations() end
          reply = perform(kind, run, keys[key], args[at], args[at + 1])
        end
        if reply == '1' then plain = plain + 1 end
        answers[first + position] = reply
        position, at = position + 1, at + width
      end
    end
    if plain == count then
      for past = first + 1, first + count - 1 do answers[past] = nil end
      answers[first] = '*'
    end
  end
end
answers[2] = brokenValues
return answers
`,
  },
  linkOpsFreeing: {
    name: "linkOpsFreeing",
    sha: "2c9f77ceab4478baf425a30810affe0efb910f04",
    source: `#!lua flags=allow-oom
if ARGV[1] == 'self-test' then
  local function selfTest(commands)
    for _, command in ipairs(commands) do
      local reply = redis.pcall(unpack(command))
      if type(reply) == 'table' and reply.err then return { 'refused', command[1], reply.err } end
    end
    return { 'ok' }
  end
  local key = KEYS[1]
  return selfTest({
    { 'TIME' },
    { 'HGET', key, 'self-test' },
    { 'HLEN', key },
    { 'HGETALL', key },
    { 'PEXPIREAT', key, '99999999999999', 'GT' },
    { 'HDEL', key, 'self-test' },
    { 'HSET', key, 'self-test', '' },
    { 'HDEL', key, 'self-test' },
  })
end
local brokenValues, given = 0, ARGV[1]
local nowUs = tonumber(given)
if nowUs == nil then
  local time = redis.call('TIME')
  nowUs = time[1] * 1000000 + time[2]
end
local nowMs = (nowUs - nowUs % 1000) / 1000
local function base36(number)
  local text, char = '', string.char
  repeat
    local group = math.fmod(number, 1679616)
    number = (number - group) / 1679616
    local fourth = group % 36
    group = (group - fourth) / 36
    local third = group % 36
    group = (group - third) / 36
    local second = group % 36
    local first = (group - second) / 36
    text = char(
      first < 10 and first + 48 or first + 87,
      second < 10 and second + 48 or second + 87,
      third < 10 and third + 48 or third + 87,
      fourth < 10 and fourth + 48 or fourth + 87
    ) .. text
  until number == 0
  return (string.gsub(text, '^0+(.)', '%1'))
end
local function refusal(reply)
  if string.find(reply.err, '^READONLY ') then error(reply) end
  if string.find(reply.err, "^ERR The user executing the script can't ") then return 'eNOPERM' end
  return 'e' .. (string.match(reply.err, '^(%u+)') or 'ERR')
end
local RECORD = '^1|([0-9a-z]+)|([0-9a-z]+)|([0-9a-z]+)|([0-9a-z]+)|([orRg])|([0-9a-z]+)|([ctsmg])()'
local LIMIT = 2 ^ 53
local function parseRecord(value)
  local pod, incarnation, token, expiresAtMs, kind, opId, opKind, past = string.match(value, RECORD)
  if past and (past > #value or string.byte(value, past) == 124) and #opId <= 10 then
    local record = {
      pod = pod,
      podIndex = tonumber(pod, 36),
      incarnation = tonumber(incarnation, 36),
      token = tonumber(token, 36),
      expiresAtMs = tonumber(expiresAtMs, 36),
      kind = kind,
      persistent = kind == 'o' or kind == 'R',
      opId = opId,
      opKind = opKind,
      text = string.sub(value, 1, past - 1),
    }
    local fits = record.podIndex <= 65535 and record.incarnation < LIMIT and record.token < LIMIT
    local owned = kind == 'g' or (record.incarnation > 0) == (kind == 'o')
    if fits and owned and record.expiresAtMs <= 2 * LIMIT then return record end
  end
  local format = tonumber(string.match(value, '^(%d+)|'))
  if format and format > 1 then return nil, true end
  brokenValues = brokenValues + 1
  return nil
end
local function withText(record)
  record.text = '1|' .. record.pod .. '|' .. base36(record.incarnation) .. '|' .. base36(record.token) .. '|'
    .. base36(record.expiresAtMs) .. '|' .. record.kind .. '|' .. record.opId .. '|' .. record.opKind
  return record
end
local function extended(record, expiresAtMs, persistent)
  if expiresAtMs <= record.expiresAtMs and (record.persistent or not persistent) then return record end
  local longer = {}
  for name, value in pairs(record) do longer[name] = value end
  longer.expiresAtMs = math.max(expiresAtMs, record.expiresAtMs)
  if persistent and record.kind == 'r' then longer.kind, longer.persistent = 'R', true end
  return withText(longer)
end
local MAX_SERVICES = 128
local function dropExpired(key)
  if redis.call('HLEN', key) > MAX_SERVICES + 1 then return end
  local fields = redis.call('HGETALL', key)
  local gone, longest, isNewer = {}, 0, false
  for at = 1, #fields, 2 do
    local record, newer = parseRecord(fields[at + 1])
    if newer then
      isNewer = true
    elseif record and nowMs < record.expiresAtMs then
      longest = math.max(longest, record.expiresAtMs)
    else
      gone[#gone + 1] = fields[at]
    end
  end
  if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
  if longest > 0 and not isNewer then redis.call('PEXPIREAT', key, string.format('%.0f', longest)) end
end
local function keepField(key, service, expiresAt, isNew)
  if redis.call('PEXPIREAT', key, expiresAt, 'NX') == 1 then return nil end
  if isNew and redis.call('HLEN', key) > MAX_SERVICES then
    dropExpired(key)
    if redis.call('HLEN', key) > MAX_SERVICES then
      redis.call('HDEL', key, service)
      return 'eSERVICES'
    end
  end
  redis.call('PEXPIREAT', key, expiresAt, 'GT')
  return nil
end
local function meet(run, key)
  local value = redis.pcall('HGET', key, run.service)
  if not value then return { key = key, run = run } end
  if type(value) == 'table' then return nil, refusal(value) end
  local record, newer = parseRecord(value)
  if newer then return nil, 'eNEWER' end
  return { key = key, run = run, record = record, live = record and nowMs < record.expiresAtMs and record or nil }
end
local function write(turn, record)
  local key, before = turn.key, turn.record
  local isNew = redis.pcall('HSET', key, turn.run.service, record.text)
  if type(isNew) == 'table' then return refusal(isNew) end
  if before and record.expiresAtMs < before.expiresAtMs then
    dropExpired(key)
    return nil
  end
  return keepField(key, turn.run.service, string.format('%.0f', record.expiresAtMs), isNew == 1)
end
local function answer(code, record, previous)
  return code .. record.text .. (previous and '\\n' .. previous.text or '')
end
local function superseded(turn, podIndex, incarnation)
  local live = turn.live
  if not live or podIndex ~= live.podIndex or (incarnation or 0) == 0 then return nil end
  if incarnation < live.incarnation then return answer('s', live) end
  return nil
end
local function repeated(turn, marks)
  local live = turn.live
  if not live or live.opId ~= turn.run.opId or not string.find(marks, live.opKind, 1, true) then return nil end
  return answer('r', live)
end
local function matches(turn)
  local live = turn.live
  return (turn.expectedPod or live.podIndex) == live.podIndex
    and (turn.expectedIncarnation or live.incarnation) == live.incarnation
    and (turn.expectedToken or live.token) == live.token
end
local function renew(turn)
  local live, run = turn.live, turn.run
  if live == nil then return '0' end
  if (live.kind == 'g' and run.persistent) or not matches(turn) then return answer('n', live) end
  local longer = extended(live, run.expiresAtMs, run.persistent)
  return longer ~= live and write(turn, longer) or answer('d', longer)
end
local function remove(turn)
  local live, run = turn.live, turn.run
  if live == nil then return '0' end
  if not matches(turn) then return answer('n', live) end
  if run.graceMs == 0 then
    redis.call('HDEL', turn.key, run.service)
    if redis.call('HLEN', turn.key) > 0 then dropExpired(turn.key) end
    return '1'
  end
  local ending = {}
  for part, value in pairs(live) do ending[part] = value end
  ending.expiresAtMs = nowMs + run.graceMs
  if live.persistent then
    ending.kind, ending.persistent, ending.opId, ending.opKind = 'g', false, run.opId, 'g'
  else
    ending.expiresAtMs = math.min(ending.expiresAtMs, live.expiresAtMs)
  end
  return write(turn, withText(ending)) or '1'
end
local function perform(kind, run, key, at)
  local turn, refused = meet(run, key)
  if turn == nil then return refused end
  turn.expectedPod, turn.expectedIncarnation = tonumber(ARGV[at], 36), tonumber(ARGV[at + 1], 36)
  turn.expectedToken = tonumber(ARGV[at + 2], 36)
  if kind == 'renew' then return superseded(turn, turn.expectedPod, turn.expectedIncarnation) or renew(turn) end
  return repeated(turn, 'g') or superseded(turn, turn.expectedPod, turn.expectedIncarnation) or remove(turn)
end
local answers, key, at = { nowUs, 0 }, 0, 3
while ARGV[at] do
  local kind, count, first, plain = ARGV[at], tonumber(ARGV[at + 1]), #answers + 1, 0
  local span = tonumber(ARGV[at + 3])
  local run = {
    service = ARGV[at + 2],
    persistent = span == nil,
    expiresAtMs = nowMs + (span or tonumber(ARGV[2])),
    graceMs = span,
    opId = ARGV[at + 4],
  }
  at = at + 5
  for position = 0, count - 1 do
    key = key + 1
    local reply = perform(kind, run, KEYS[key], at)
    if reply == '1' then plain = plain + 1 end
    answers[first + position] = reply
    at = at + 3
  end
  if plain == count then
    for position = first + 1, first + count - 1 do answers[position] = nil end
    answers[first] = '*'
  end
end
answers[2] = brokenValues
return answers
`,
  },
  readPods: {
    name: "readPods",
    sha: "8c20195ecb1777670ca9c0b0d30c05e2685b712c",
    source: `#!lua flags=allow-oom
local POD_ROW = '^1|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|([^|]+)|(%d+)|([^|]+)|(.+)$'
local POD_SAID = '^(%a+)|(%a+)|([^|]+)|([^|]+)|(%d+)|(%d+)|([^|]*)|.'
local function parsePodSaid(text)
  local serviceState, routingState, loadState, loadScore, linkCount, leaseMs, address = string.match(text, POD_SAID)
  if not (tonumber(loadState) and tonumber(loadScore)) then
    return nil
  end
  return {
    text = text,
    serviceState = serviceState,
    routingState = routingState,
    loadScore = loadScore,
    linkCount = linkCount,
    leaseMs = leaseMs,
    address = address,
  }
end
local function wholeText(number)
  return string.format('%.0f', number)
end
local HIGHEST_WHOLE = 9007199254740991 -- 2^53 - 1
local function parsePodRow(text)
  if not text then
    return nil, false
  end
  local incarnation, reportNumber, reportedAtMs, sequence, claimAfterMs, loadScore, linkCount, life, said =
    string.match(text, POD_ROW)
  if not incarnation then
    return nil, (tonumber(string.match(text, '^(%d+)|')) or 0) > 1
  end
  local row = {
    incarnation = incarnation,
    reportNumber = reportNumber,
    reportedAtMs = reportedAtMs,
    sequence = sequence,
    claimAfterMs = claimAfterMs,
    sequencedLoadScore = loadScore,
    sequencedLinkCount = linkCount,
    life = life,
    said = parsePodSaid(said),
  }
  if row.said and tonumber(loadScore) and tonumber(incarnation) <= HIGHEST_WHOLE then
    return row, false
  end
  return nil, false
end
local MOST_SILENT = 128
local function silentBetween(from, to, most)
  return most > 0 and redis.call('ZRANGEBYSCORE', KEYS[2], from, to, 'LIMIT', '0', tostring(most)) or {}
end
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
local function readMeta()
  local meta = redis.call('HMGET', KEYS[4], 'generation', 'sequence', 'published')
  return { generation = meta[1] or '', sequence = tonumber(meta[2]) or 0, published = meta[3] or '0' }
end
local function storeNowMs(given)
  if given ~= '' then
    return tonumber(given)
  end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local function selfTest(commands)
  for _, command in ipairs(commands) do
    local reply = redis.pcall(unpack(command))
    if type(reply) == 'table' and reply.err then return { 'refused', command[1], reply.err } end
  end
  return { 'ok' }
end
local PAGE = 1000
local function rowsAfter(after)
  local found = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. after, '+inf', 'WITHSCORES', 'LIMIT', '0', tostring(PAGE))
  if #found == 0 then
    return {}, after, 0
  end
  local podIndexes, rows = {}, {}
  for index = 1, #found, 2 do
    podIndexes[#podIndexes + 1] = found[index]
  end
  local texts = redis.call('HMGET', KEYS[1], unpack(podIndexes))
  for index = 1, #podIndexes do
    if texts[index] then
      rows[#rows + 1] = podIndexes[index]
      rows[#rows + 1] = texts[index]
    end
  end
  return rows, found[#found], #podIndexes
end
local function readPods()
  local nowMs, silenceMs = storeNowMs(ARGV[1]), tonumber(ARGV[2])
  local service = readMeta()
  local follows = ARGV[3] ~= '' and ARGV[3] == service.generation and tonumber(ARGV[4]) <= service.sequence
  local rows, cursor, count = rowsAfter(follows and ARGV[4] or ARGV[5])
  local which, place = follows and 'changed' or 'all', count == PAGE and 'page' or 'last'
  local silentCount, silent = 0, {}
  if place == 'last' then
    silentCount, silent = listSilent(nowMs, silenceMs)
  end
  local sequence = wholeText(service.sequence)
  return { which, place, wholeText(nowMs), service.generation, sequence, cursor, wholeText(silentCount), silent, rows }
end
local function selfTestReading()
  return selfTest({
    { 'TIME' },
    { 'HMGET', KEYS[1], '0' },
    { 'HMGET', KEYS[4], 'generation' },
    { 'ZCOUNT', KEYS[2], '0', '1' },
    { 'ZRANGEBYSCORE', KEYS[3], '0', '1', 'WITHSCORES', 'LIMIT', '0', '1' },
  })
end
return ARGV[1] == 'self-test' and selfTestReading() or readPods()
`,
  },
  register: {
    name: "register",
    sha: "1912038dd45ce99e28f8a74a99d1028a067e7293",
    source: `local GOODBYE_KEPT_MS = 86400000
local function isGoodbye(serviceState, routingState)
  return serviceState == 'Terminating' and routingState == 'Shutdown'
end
local function isOldGoodbye(row, nowMs)
  return isGoodbye(row.said.serviceState, row.said.routingState) and nowMs - tonumber(row.reportedAtMs) >= GOODBYE_KEPT_MS
end
local GOODBYES_A_DROP = '128'
local function dropOldGoodbyes(nowMs)
  local upTo = string.format('%.0f', nowMs - GOODBYE_KEPT_MS)
  local podIndexes = redis.call('ZRANGEBYSCORE', KEYS[2], '0', upTo, 'LIMIT', '0', GOODBYES_A_DROP)
  if #podIndexes > 0 then
    redis.call('ZREM', KEYS[2], unpack(podIndexes))
    redis.call('ZREM', KEYS[3], unpack(podIndexes))
    redis.call('HDEL', KEYS[1], unpack(podIndexes))
  end
end
local function publishSuccessor(channel, podIndex, row)
  redis.pcall('PUBLISH', channel .. ':' .. podIndex, 'successor|' .. row.incarnation .. '|' .. row.life)
end
local function publishRow(channel, podIndex, text, published)
  redis.pcall('PUBLISH', channel, published .. '|' .. podIndex .. '|' .. text)
end
local POD_ROW = '^1|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|([^|]+)|(%d+)|([^|]+)|(.+)$'
local POD_SAID = '^(%a+)|(%a+)|([^|]+)|([^|]+)|(%d+)|(%d+)|([^|]*)|.'
local function parsePodSaid(text)
  local serviceState, routingState, loadState, loadScore, linkCount, leaseMs, address = string.match(text, POD_SAID)
  if not (tonumber(loadState) and tonumber(loadScore)) then
    return nil
  end
  return {
    text = text,
    serviceState = serviceState,
    routingState = routingState,
    loadScore = loadScore,
    linkCount = linkCount,
    leaseMs = leaseMs,
    address = address,
  }
end
local function wholeText(number)
  return string.format('%.0f', number)
end
local HIGHEST_WHOLE = 9007199254740991 -- 2^53 - 1
local function parsePodRow(text)
  if not text then
    return nil, false
  end
  local incarnation, reportNumber, reportedAtMs, sequence, claimAfterMs, loadScore, linkCount, life, said =
    string.match(text, POD_ROW)
  if not incarnation then
    return nil, (tonumber(string.match(text, '^(%d+)|')) or 0) > 1
  end
  local row = {
    incarnation = incarnation,
    reportNumber = reportNumber,
    reportedAtMs = reportedAtMs,
    sequence = sequence,
    claimAfterMs = claimAfterMs,
    sequencedLoadScore = loadScore,
    sequencedLinkCount = linkCount,
    life = life,
    said = parsePodSaid(said),
  }
  if row.said and tonumber(loadScore) and tonumber(incarnation) <= HIGHEST_WHOLE then
    return row, false
  end
  return nil, false
end
local function readMeta()
  local meta = redis.call('HMGET', KEYS[4], 'generation', 'sequence', 'published')
  return { generation = meta[1] or '', sequence = tonumber(meta[2]) or 0, published = meta[3] or '0' }
end
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
local function selfTest(commands)
  for _, command in ipairs(commands) do
    local reply = redis.pcall(unpack(command))
    if type(reply) == 'table' and reply.err then return { 'refused', command[1], reply.err } end
  end
  return { 'ok' }
end
local function selfTestPodWrites(channel)
  return selfTest({
    { 'TIME' },
    { 'HDEL', KEYS[1], '0' },
    { 'ZREM', KEYS[2], '0' },
    { 'HGET', KEYS[1], '0' },
    { 'HMGET', KEYS[4], 'generation' },
    { 'ZCARD', KEYS[2] },
    { 'ZRANGEBYSCORE', KEYS[2], '1', '1' },
    { 'PUBLISH', channel, 'self-test' },
    { 'HSET', KEYS[1], '0', 'self-test' },
    { 'HDEL', KEYS[1], '0' },
    { 'ZADD', KEYS[2], '1', '0' },
    { 'ZREM', KEYS[2], '0' },
  })
end
local function storeNowMs(given)
  if given ~= '' then
    return tonumber(given)
  end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local function podRowText(
  incarnation,
  reportNumber,
  reportedAtMs,
  sequence,
  claimAfterMs,
  loadScore,
  linkCount,
  life,
  said
)
  return '1|'
    .. incarnation
    .. '|'
    .. reportNumber
    .. '|'
    .. reportedAtMs
    .. '|'
    .. sequence
    .. '|'
    .. claimAfterMs
    .. '|'
    .. loadScore
    .. '|'
    .. linkCount
    .. '|'
    .. life
    .. '|'
    .. said
end
local function writeRow(podIndex, text, beat, sequence, isPublished)
  redis.call('HSET', KEYS[1], podIndex, text)
  redis.call('ZADD', KEYS[2], beat, podIndex)
  if not sequence then
    return
  end
  redis.call('ZADD', KEYS[3], sequence, podIndex)
  if isPublished then
    redis.call('HSET', KEYS[4], 'sequence', sequence, 'published', sequence)
  else
    redis.call('HSET', KEYS[4], 'sequence', sequence)
  end
end
local function storeRow(podIndex, row, service)
  local said, sequence = row.said, wholeText(service.sequence + 1)
  local text = podRowText(
    row.incarnation,
    row.reportNumber,
    row.reportedAtMs,
    sequence,
    row.claimAfterMs,
    said.loadScore,
    said.linkCount,
    row.life,
    said.text
  )
  local beat = isGoodbye(said.serviceState, said.routingState) and row.reportedAtMs or '-' .. row.reportedAtMs
  writeRow(podIndex, text, beat, sequence, true)
  return text
end
local channel, podIndex, life, takeOver = ARGV[2], ARGV[3], ARGV[4], ARGV[7]
local function claimAfterMs(found)
  if not found or takeOver == 'now' then
    return 0
  end
  if found.life == life or isGoodbye(found.said.serviceState, found.said.routingState) then
    return tonumber(found.claimAfterMs)
  end
  return math.max(tonumber(found.said.leaseMs), tonumber(found.claimAfterMs))
end
local function maySucceed(found)
  return not found or (found.life ~= life and not isGoodbye(found.said.serviceState, found.said.routingState))
end
local function registered(code, row, generation)
  return { code, row.incarnation, row.claimAfterMs, generation }
end
local function register()
  local nowMs = storeNowMs(ARGV[1])
  local expected, floor, said = tonumber(ARGV[5]), tonumber(ARGV[6]), parsePodSaid(ARGV[9])
  local service = readService(podIndex)
  if not service then
    return { 'corrupt' }
  end
  local generation = service.generation ~= '' and service.generation or ARGV[8]
  local found = service.row
  if found and isOldGoodbye(found, nowMs) then
    found = nil
  end
  local foundIncarnation = found and tonumber(found.incarnation) or 0
  if foundIncarnation ~= expected then
    dropOldGoodbyes(nowMs)
    local isOwn = found and found.life == life and foundIncarnation > floor
    if isOwn and not isGoodbye(found.said.serviceState, found.said.routingState) then
      return registered('adopted', found, generation)
    end
    return { 'found', found and found.incarnation or '' }
  end
  local row = {
    incarnation = wholeText(math.max(foundIncarnation + 1, floor + 1, nowMs)),
    reportNumber = '0',
    reportedAtMs = wholeText(nowMs),
    claimAfterMs = wholeText(claimAfterMs(found)),
    life = life,
    said = said,
  }
  local text = storeRow(podIndex, row, service)
  redis.call('HSET', KEYS[4], 'generation', generation)
  dropOldGoodbyes(nowMs)
  publishRow(channel, podIndex, text, service.published)
  if maySucceed(found) then
    publishSuccessor(channel, podIndex, row) -- last: between the nodes of a Cluster a second message may wait for 40 ms
  end
  return registered('registered', row, generation)
end
return ARGV[1] == 'self-test' and selfTestPodWrites(channel) or register()
`,
  },
  report: {
    name: "report",
    sha: "6dc96729d8ba9cd382d9248fbed1bcbf30bbe5e5",
    source: `#!lua flags=allow-oom
if ARGV[1] == 'self-test' then
  local function selfTest(commands)
    for _, command in ipairs(commands) do
      local reply = redis.pcall(unpack(command))
      if type(reply) == 'table' and reply.err then return { 'refused', command[1], reply.err } end
    end
    return { 'ok' }
  end
  local function selfTestPodWrites(channel)
    return selfTest({
      { 'TIME' },
      { 'HDEL', KEYS[1], '0' },
      { 'ZREM', KEYS[2], '0' },
      { 'HGET', KEYS[1], '0' },
      { 'HMGET', KEYS[4], 'generation' },
      { 'ZCARD', KEYS[2] },
      { 'ZRANGEBYSCORE', KEYS[2], '1', '1' },
      { 'PUBLISH', channel, 'self-test' },
      { 'HSET', KEYS[1], '0', 'self-test' },
      { 'HDEL', KEYS[1], '0' },
      { 'ZADD', KEYS[2], '1', '0' },
      { 'ZREM', KEYS[2], '0' },
    })
  end
  return selfTestPodWrites(ARGV[2])
end
local function isGoodbye(serviceState, routingState)
  return serviceState == 'Terminating' and routingState == 'Shutdown'
end
local function podRowText(
  incarnation,
  reportNumber,
  reportedAtMs,
  sequence,
  claimAfterMs,
  loadScore,
  linkCount,
  life,
  said
)
  return '1|'
    .. incarnation
    .. '|'
    .. reportNumber
    .. '|'
    .. reportedAtMs
    .. '|'
    .. sequence
    .. '|'
    .. claimAfterMs
    .. '|'
    .. loadScore
    .. '|'
    .. linkCount
    .. '|'
    .. life
    .. '|'
    .. said
end
local function publishRow(channel, podIndex, text, published)
  redis.pcall('PUBLISH', channel, published .. '|' .. podIndex .. '|' .. text)
end
local POD_ROW = '^1|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|([^|]+)|(%d+)|([^|]+)|(.+)$'
local POD_SAID = '^(%a+)|(%a+)|([^|]+)|([^|]+)|(%d+)|(%d+)|([^|]*)|.'
local function storeNowMs(given)
  if given ~= '' then
    return tonumber(given)
  end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local function wholeText(number)
  return string.format('%.0f', number)
end
local WORKLOAD_WRITER = '^(%d+) (%d+) (%d+)$'
local function writeRow(podIndex, text, beat, sequence, isPublished)
  redis.call('HSET', KEYS[1], podIndex, text)
  redis.call('ZADD', KEYS[2], beat, podIndex)
  if not sequence then
    return
  end
  redis.call('ZADD', KEYS[3], sequence, podIndex)
  if isPublished then
    redis.call('HSET', KEYS[4], 'sequence', sequence, 'published', sequence)
  else
    redis.call('HSET', KEYS[4], 'sequence', sequence)
  end
end
local REPORTS_A_DROP = 100
local LOAD_SCORE_STEP = 5 -- points
local LINK_COUNT_SHARE = 0.02
local LINK_COUNT_STEP = 5
local function refuse(value)
  local function parsePodSaid(text)
    local serviceState, routingState, loadState, loadScore, linkCount, leaseMs, address = string.match(text, POD_SAID)
    if not (tonumber(loadState) and tonumber(loadScore)) then
      return nil
    end
    return {
      text = text,
      serviceState = serviceState,
      routingState = routingState,
      loadScore = loadScore,
      linkCount = linkCount,
      leaseMs = leaseMs,
      address = address,
    }
  end
  local HIGHEST_WHOLE = 9007199254740991 -- 2^53 - 1
  local function parsePodRow(text)
    if not text then
      return nil, false
    end
    local incarnation, reportNumber, reportedAtMs, sequence, claimAfterMs, loadScore, linkCount, life, said =
      string.match(text, POD_ROW)
    if not incarnation then
      return nil, (tonumber(string.match(text, '^(%d+)|')) or 0) > 1
    end
    local row = {
      incarnation = incarnation,
      reportNumber = reportNumber,
      reportedAtMs = reportedAtMs,
      sequence = sequence,
      claimAfterMs = claimAfterMs,
      sequencedLoadScore = loadScore,
      sequencedLinkCount = linkCount,
      life = life,
      said = parsePodSaid(said),
    }
    if row.said and tonumber(loadScore) and tonumber(incarnation) <= HIGHEST_WHOLE then
      return row, false
    end
    return nil, false
  end
  local function reportRefusal(text, life, incarnation)
    local row, isNewer = parsePodRow(text)
    if isNewer then
      return { 'corrupt' }
    end
    if not row then
      return { 'gone', '' }
    end
    local found = row.incarnation
    if isGoodbye(row.said.serviceState, row.said.routingState) then
      return { 'superseded', found }
    end
    if row.life ~= life then
      return { tonumber(found) < tonumber(incarnation) and 'gone' or 'superseded', found }
    end
    return { found == incarnation and 'ignored' or 'gone', found }
  end
  return reportRefusal(value, ARGV[4], ARGV[5])
end
local function dropGoodbyes(at)
  local GOODBYE_KEPT_MS = 86400000
  local GOODBYES_A_DROP = '128'
  local function dropOldGoodbyes(nowMs)
    local upTo = string.format('%.0f', nowMs - GOODBYE_KEPT_MS)
    local podIndexes = redis.call('ZRANGEBYSCORE', KEYS[2], '0', upTo, 'LIMIT', '0', GOODBYES_A_DROP)
    if #podIndexes > 0 then
      redis.call('ZREM', KEYS[2], unpack(podIndexes))
      redis.call('ZREM', KEYS[3], unpack(podIndexes))
      redis.call('HDEL', KEYS[1], unpack(podIndexes))
    end
  end
  dropOldGoodbyes(at)
end
local podIndex, life, incarnation, reportNumber, said = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local nowMs = storeNowMs(ARGV[1])
local row = redis.call('HGET', KEYS[1], podIndex)
redis.call('ZCARD', KEYS[2])
redis.call('ZCARD', KEYS[3])
local meta = redis.call('HMGET', KEYS[4], 'generation', 'sequence', 'published', 'writer')
local foundIncarnation, foundNumber, _, sequence, claimAfterMs, sequencedScore, sequencedLinks, foundLife, foundSaid =
  string.match(row or '', POD_ROW)
local wasState, wasRouting, wasLoad, wasScore, _, _, wasAddress = string.match(foundSaid or '', POD_SAID)
local isNext = foundLife == life
  and foundIncarnation == incarnation
  and tonumber(reportNumber) > tonumber(foundNumber)
  and not isGoodbye(wasState, wasRouting)
if not (isNext and tonumber(wasLoad) and tonumber(wasScore) and tonumber(sequencedScore)) then
  return refuse(row)
end
local state, routing, _, loadScore, linkCount, leaseMs, address = string.match(said, POD_SAID)
local score, links, overloadScore = tonumber(loadScore), tonumber(sequencedLinks), tonumber(ARGV[8])
local isPublished = wasState ~= state
  or wasRouting ~= routing
  or wasAddress ~= address
  or (tonumber(wasScore) >= overloadScore) ~= (score >= overloadScore)
local isSequenced = isPublished
  or math.abs(score - tonumber(sequencedScore)) >= LOAD_SCORE_STEP
  or math.abs(tonumber(linkCount) - links) >= math.max(LINK_COUNT_STEP, links * LINK_COUNT_SHARE)
local number
if isSequenced then
  number = wholeText((tonumber(meta[2]) or 0) + 1)
  sequence, sequencedScore, sequencedLinks = number, loadScore, linkCount
end
if state == 'Ready' then
  claimAfterMs = '0'
end
local now = wholeText(nowMs)
local text =
  podRowText(incarnation, reportNumber, now, sequence, claimAfterMs, sequencedScore, sequencedLinks, life, said)
writeRow(podIndex, text, isGoodbye(state, routing) and now or '-' .. now, number, isPublished)
local writer, writerBeatMs, writerLeaseMs = string.match(meta[4] or '', WORKLOAD_WRITER)
local writesWorkload = state == 'Ready' or state == 'NotReady' or state == 'Pending'
if writesWorkload then
  if writer and tonumber(writer) < tonumber(podIndex) then
    local ageMs = nowMs - tonumber(writerBeatMs)
    writesWorkload = ageMs < 0 or ageMs >= tonumber(writerLeaseMs)
  end
  if writesWorkload then
    redis.call('HSET', KEYS[4], 'writer', podIndex .. ' ' .. now .. ' ' .. leaseMs)
  end
elseif writer == podIndex then
  redis.call('HDEL', KEYS[4], 'writer')
end
if tonumber(reportNumber) % REPORTS_A_DROP == 0 then
  dropGoodbyes(nowMs)
end
if isPublished then
  publishRow(ARGV[2], podIndex, text, meta[3] or '0')
end
return { 'accepted', meta[1] or '', writesWorkload and '1' or '0' }
`,
  },
};
