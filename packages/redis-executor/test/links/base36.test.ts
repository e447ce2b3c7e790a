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

test("a token and an expiry side by side are the same as each by itself", async () => {
  await using on = await linksOnRedis();
  const source = ["base36", "stamp"].map((name) => luaFunction(scripts.createLinks, name)).join("\n");
  const script = `${source}\nlocal texts = {}\nfor at = 1, #ARGV, 2 do texts[#texts + 1] = stamp(tonumber(ARGV[at]), tonumber(ARGV[at + 1])) end\nreturn texts`;
  const about = (limit: number, spread: number) =>
    fc.integer({ min: -spread, max: spread }).map((away) => limit + away);
  const digits = (count: number) =>
    fc.oneof(about(36 ** count, 2), fc.integer({ min: 36 ** (count - 1), max: 36 ** count - 1 }));
  const token = fc.oneof(digits(10), about(36 ** 9, 2), fc.maxSafeNat());
  const expiresAtMs = fc.oneof(digits(8), about(36 ** 7, 2), fc.maxSafeNat());
  const property = fc.asyncProperty(
    fc.array(fc.tuple(token, expiresAtMs), { minLength: 500, maxLength: 500 }),
    async (pairs) => {
      const texts = await on.redis.eval(script, 0, ...pairs.flat().map(String));
      expect(texts).toEqual(pairs.map(([one, other]) => `${one.toString(36)}|${other.toString(36)}`));
    },
  );
  await fc.assert(property, { numRuns: 20 });
});
