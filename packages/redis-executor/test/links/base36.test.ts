import { scripts } from "@podlink/lua";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { luaFunction } from "../support/lua-function.ts";
import { linksOnRedis } from "./links-on-redis.ts";

test("numbers become the same base 36 text in Lua as here, up to 2^54", async () => {
  await using on = await linksOnRedis();
  const source = luaFunction(scripts.linkOps, "base36");
  const script = `${source}\nlocal texts = {}\nfor at, number in ipairs(ARGV) do texts[at] = base36(tonumber(number)) end\nreturn texts`;
  const edges = [0, 1, 35, 36, 36 ** 4 - 1, 36 ** 4, 36 ** 8 - 1, 36 ** 8, 2 ** 53 - 1, 2 ** 53, 2 ** 54];
  const number = fc.oneof(
    fc.constantFrom(...edges),
    fc.maxSafeNat(),
    fc.maxSafeNat().map((half) => half * 2),
    fc.nat({ max: 2 ** 31 - 1 }).map((group) => (group + 1) * 36 ** 4 - 1),
  );
  const property = fc.asyncProperty(fc.array(number, { minLength: 500, maxLength: 500 }), async (numbers) => {
    expect(await on.redis.eval(script, 0, ...numbers.map(String))).toEqual(numbers.map((one) => one.toString(36)));
  });
  await fc.assert(property, { numRuns: 20 });
});
