import { KEPT } from "../session-store.ts";
import type { Script } from "./script.ts";
import { script } from "./script.ts";

/** `SessionStore.write` as one step of Redis. The same twice is "behind" the second time. */
export const write: Script = script(
  "write",
  `
-- Adds one change to a session, with what was said and the Idempotency-Key, all or nothing.
--
-- KEYS[1]  the session: a hash with token, holder, count, sequence; how many messages and keys there ever were; and of changes,
--          messages and keys the newest ${KEPT}, the n-th (from 0) in "change:<n % ${KEPT}>", "message:<...>", "key:<...>"
-- ARGV[1]  token, decimal
-- ARGV[2]  holder
-- ARGV[3]  ttlMs: how long the session is kept from now on; "" leaves that as it is
-- ARGV[4]  sequence of the change
-- ARGV[5]  count after it
-- ARGV[6]  the change
-- ARGV[7]  the message; "" none
-- ARGV[8]  the key; "" none
--
-- returns  {"written"}
--          {"behind"}  the sequence is not the next one; nothing was changed
--          {"refused", token}  another token or holder loaded last, whose token it is; nobody ever did: the one given
local seen = redis.call("HMGET", KEYS[1], "token", "holder", "sequence", "messages", "keys")
if not seen[1] then
  return { "refused", ARGV[1] }
end
if seen[1] ~= ARGV[1] or seen[2] ~= ARGV[2] then
  return { "refused", seen[1] }
end
local changes = tonumber(seen[3] or "0")
if tonumber(ARGV[4]) ~= changes + 1 then
  return { "behind" }
end

local fields = { "sequence", ARGV[4], "count", ARGV[5] }
local function add(field, value)
  fields[#fields + 1] = field
  fields[#fields + 1] = value
end
local function put(name, number, value)
  add(string.format("%s:%.0f", name, number % ${KEPT}), value)
end
put("change", changes, ARGV[6])
if ARGV[7] ~= "" then
  local messages = tonumber(seen[4] or "0")
  put("message", messages, ARGV[7])
  add("messages", string.format("%.0f", messages + 1))
end
if ARGV[8] ~= "" then
  local keys = tonumber(seen[5] or "0")
  put("key", keys, ARGV[8])
  add("keys", string.format("%.0f", keys + 1))
end
redis.call("HSET", KEYS[1], unpack(fields))
if ARGV[3] ~= "" then
  redis.call("PEXPIRE", KEYS[1], ARGV[3])
end
return { "written" }
`,
);
