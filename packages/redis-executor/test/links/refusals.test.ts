import { scripts } from "@podlink/lua";
import { startRedis } from "@podlink/testkit/redis";
import { expect, test } from "vitest";
import { luaFunction } from "../support/lua-function.ts";

test("of an error of Redis an answer says the first word, or that it is one without such a word", async () => {
  await using redis = await startRedis();
  const script = `${luaFunction(scripts.linkOps, "refusal")}\nreturn refusal({ err = ARGV[1] })`;
  const answers = {
    "WRONGTYPE Operation against a key holding the wrong kind of value": "eWRONGTYPE",
    "OOM command not allowed when used memory > 'maxmemory'.": "eOOM",
    "ERR The user executing the script can't run this command or subcommand": "eNOPERM",
    "something alice did": "eERR",
  };
  for (const [error, answer] of Object.entries(answers)) expect(await redis.cli("EVAL", script, 0, error)).toBe(answer);
  await expect(redis.cli("EVAL", script, 0, "READONLY You can't write")).rejects.toThrow(/^READONLY /);
});
