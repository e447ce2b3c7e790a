import type { Redis } from "ioredis";

/**
 * A version of podlink after this one, as far as the record of a link goes: it knows format 2, still writes format 1 as it was
 * not told otherwise, and adds a part that this version doesn't know.
 */
const SET = `
local function number(text) return tonumber(text, 36) end
local function base36(number)
  local digits, text = '0123456789abcdefghijklmnopqrstuvwxyz', ''
  repeat
    local digit = number % 36
    text = string.sub(digits, digit + 1, digit + 1) .. text
    number = (number - digit) / 36
  until number == 0
  return text
end
local token = 0
local value = redis.call('HGET', KEYS[1], ARGV[1])
if value then
  local format, _, _, known = string.match(value, '^([12])|([0-9a-z]+)|([0-9a-z]+)|([0-9a-z]+)|')
  if not format then return redis.error_reply('UNREADABLE') end
  token = number(known)
end
local time = redis.call('TIME')
token = math.max(token + 1, time[1] * 1000000 + time[2])
local expires = base36(time[1] * 1000 + 604800000)
local record = ARGV[2] .. '|' .. base36(tonumber(ARGV[3])) .. '|' .. base36(tonumber(ARGV[4])) .. '|' .. base36(token) .. '|'
  .. expires .. '|o|next|s|zone=a|new'
redis.call('HSET', KEYS[1], ARGV[1], record)
redis.call('PEXPIRE', KEYS[1], 604800000)
return string.format('%.0f', token)
`;

export interface NextVersionSet {
  readonly key: string;
  readonly service: string;
  /** What it was told to write. */
  readonly format: "1" | "2";
  readonly podIndex: number;
  readonly incarnation: number;
}

/** Takes the link, whoever holds it. The new token. */
export async function setByNextVersion(redis: Redis, set: NextVersionSet): Promise<string> {
  const { key, service, format, podIndex, incarnation } = set;
  return String(await redis.eval(SET, 1, key, service, format, podIndex, incarnation));
}
