import type { Script } from "./script.ts";
import { script } from "./script.ts";

/** `SessionStore.loadAndRaise` as one step of Redis. The same twice does nothing more. */
export const loadAndRaise: Script = script(
  "loadAndRaise",
  `
-- Loads a session and raises its fence: from now on it takes the writes of this token and holder only.
--
-- KEYS[1]  the session: a hash
-- ARGV[1]  token, decimal
-- ARGV[2]  holder
-- ARGV[3]  ttlMs: how long the session is kept from now on; "" for ever
--
-- returns  {"loaded", {field, value, ...}}  as it is, fence included
--          {"refused", token}  the token seen last is higher, or the same and another holder's; nothing was changed
local seen = redis.call("HMGET", KEYS[1], "token", "holder")
local isSame = seen[1] == ARGV[1] and seen[2] == ARGV[2]
if seen[1] and not isSame and tonumber(seen[1]) >= tonumber(ARGV[1]) then
  return { "refused", seen[1] }
end
redis.call("HSET", KEYS[1], "token", ARGV[1], "holder", ARGV[2])
if ARGV[3] == "" then
  redis.call("PERSIST", KEYS[1])
else
  redis.call("PEXPIRE", KEYS[1], ARGV[3])
end
return { "loaded", redis.call("HGETALL", KEYS[1]) }
`,
);
