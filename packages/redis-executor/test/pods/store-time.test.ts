import { scripts } from "@podlink/lua";
import { startRedis } from "@podlink/testkit/redis";
import { expect, test } from "vitest";
import { luaFunction } from "../support/lua-function.ts";

const source = (time: readonly [seconds: string, microseconds: string]): string => `
    local redis = { call = function() return { '${time[0]}', '${time[1]}' } end }
    ${luaFunction(scripts.readPods, "storeNowMs")}
    return { string.format('%.0f', storeNowMs('')), string.format('%.0f', storeNowMs('42')) }`;

test.each([
  [["1700000000", "0"], "1700000000000"],
  [["1700000000", "999"], "1700000000000"],
  [["1700000001", "1000"], "1700000001001"],
  [["1700000001", "999999"], "1700000001999"],
] as const)("Redis' time %o is %s ms since 1970", async (time, nowMs) => {
  await using redis = await startRedis();
  expect(await redis.cli("EVAL", source(time), 0)).toEqual([nowMs, "42"]);
});
