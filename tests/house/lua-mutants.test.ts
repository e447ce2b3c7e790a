import { expect, test } from "vitest";
import { kinds } from "../../scripts/lua-mutants/constructs.mjs";
import { equivalents } from "../../scripts/lua-mutants/equivalents.mjs";
import { files, mutantsIn, textOfFile } from "../../scripts/lua-mutants/mutants.mjs";
import { parse } from "../../scripts/lua-mutants/syntax.mjs";

const SAMPLE = `#!lua flags=allow-oom
local MOST = 128

local function keep(key, live)
  if not live then return nil end
  if live.kind == 'g' and live.at < 5 or live.done then
    redis.call('PEXPIREAT', key, live.at, 'NX')
  elseif live.at >= MOST then
    return nil
  end
  return redis.call('HSET', key, 'field', live.text) == 1
end

local at = 1
while KEYS[at] do at = at + 1 end
local text = redis.call('HGET', KEYS[1], 'field')
dropExpired(KEYS[1])
return { { 'HDEL', KEYS[1], 'field' }, keep }
`;

const ids = (text: string): string[] => mutantsIn("sample", text).mutants.map(({ id }) => id);

test("every condition, and, or, comparison, write, guard, flag and limit is counted", () => {
  expect(mutantsIn("sample", SAMPLE).constructs).toEqual({
    if: 4, // not live; the long one; live.at >= MOST; KEYS[at]
    and: 1,
    or: 1,
    comparison: 4,
    write: 4, // PEXPIREAT, HSET, dropExpired, and HDEL in a list; HGET reads
    order: 1,
    not: 1,
    flag: 1,
    limit: 1,
  });
});

test("a construct is changed in every way there is for its kind", () => {
  expect(ids(SAMPLE)).toEqual([
    "sample: limit `128` → one more",
    "sample: limit `128` → one less",
    "sample keep: order `if not live then return nil end` → after the write",
    "sample keep: if `not live` → true",
    "sample keep: if `not live` → false",
    "sample keep: not `not live` → dropped",
    "sample keep: if `live.kind == 'g' and live.at < 5 or live.done` → true",
    "sample keep: if `live.kind == 'g' and live.at < 5 or live.done` → false",
    "sample keep: if `live.kind == 'g' and live.at < 5 or live.done` → negated",
    "sample keep: or `live.kind == 'g' and live.at < 5 or live.done` → and",
    "sample keep: or `live.kind == 'g' and live.at < 5 or live.done` → left alone",
    "sample keep: or `live.kind == 'g' and live.at < 5 or live.done` → right alone",
    "sample keep: and `live.kind == 'g' and live.at < 5` → or",
    "sample keep: and `live.kind == 'g' and live.at < 5` → left alone",
    "sample keep: and `live.kind == 'g' and live.at < 5` → right alone",
    "sample keep: comparison `live.kind == 'g'` → ~=",
    "sample keep: comparison `live.at < 5` → <=",
    "sample keep: comparison `live.at < 5` → >=",
    "sample keep: write `redis.call('PEXPIREAT', key, live.at, 'NX')` → dropped",
    "sample keep: flag `'NX'` → swapped",
    "sample keep: if `live.at >= MOST` → true",
    "sample keep: if `live.at >= MOST` → false",
    "sample keep: comparison `live.at >= MOST` → >",
    "sample keep: comparison `live.at >= MOST` → <",
    "sample keep: comparison `redis.call('HSET', key, 'field', live.text) == 1` → ~=",
    "sample keep: write `redis.call('HSET', key, 'field', live.text)` → dropped, as if 1",
    "sample keep: write `redis.call('HSET', key, 'field', live.text)` → dropped, as if 0",
    "sample: if `KEYS[at]` → true",
    "sample: if `KEYS[at]` → false",
    "sample: if `KEYS[at]` → negated",
    "sample: write `dropExpired(KEYS[1])` → dropped",
    "sample: write `{ 'HDEL', KEYS[1], 'field' }` → dropped",
  ]);
});

test("a guard is moved after the write that follows it, not after what is between", () => {
  const text = "local function f(x)\n  if x then return 1 end\n  local y = 2\n  return write(x, y) or 3\nend\n";
  const moved = mutantsIn("sample", text).mutants.find(({ kind }) => kind === "order");
  expect(moved?.source.split("\n").map((line) => line.trim())).toEqual([
    "local function f(x)",
    "",
    "local y = 2",
    "local written = write(x, y) or 3",
    "if x then return 1 end",
    "return written",
    "end",
    "",
  ]);
});

test("an id stays the same whatever is edited around its construct", () => {
  const edited = SAMPLE.replace("local at = 1", "local before = at == 2 and at < 3\n\n-- more\nlocal at = 1").replace(
    "local function keep",
    "local function other(x)\n  if not x then return nil end\nend\n\nlocal function keep",
  );
  const all = new Set(ids(edited));
  expect(ids(SAMPLE).filter((id) => !all.has(id))).toEqual([]);
});

test("the same text twice in a function has two ids", () => {
  const twice = ids("local a = x < 1\nlocal b = x < 1\n");
  expect(new Set(twice).size).toBe(4);
});

test("what is not Lua is refused", () => {
  expect(() => mutantsIn("sample", "if then")).toThrow(SyntaxError);
});

test("of our scripts every construct has a mutant, each is Lua and has an id of its own; what is listed is among them", () => {
  const all = files().map((file) => mutantsIn(file, textOfFile(file)));
  const mutants = all.flatMap((one) => one.mutants);
  for (const { source } of mutants) parse(source);
  const known = new Set(mutants.map(({ id }) => id));
  expect(known.size).toBe(mutants.length);
  for (const kind of kinds) {
    const constructs = all.reduce((sum, one) => sum + one.constructs[kind], 0);
    expect(constructs, kind).toBeGreaterThan(0);
    expect(mutants.filter((one) => one.kind === kind).length, kind).toBeGreaterThanOrEqual(constructs);
  }
  expect([...equivalents().keys()].filter((id) => !known.has(id))).toEqual([]);
});
