import type { LinkHistory } from "@podlink/testkit";
import { checkHistory } from "@podlink/testkit";
import { expect, test } from "vitest";
import { applyLinkOp } from "../../src/index.ts";
import type { Told } from "./told.ts";
import { FIRST, historyOf, naming, NOW_MS, owned, REFUSED, reservation, UNKNOWN } from "./told.ts";

const get = { kind: "get" } as const;
const set = (podIndex: number) => ({ kind: "set", ...naming(podIndex) }) as const;
const claim = (podIndex: number) => ({ kind: "setIfAbsent", ...naming(podIndex) }) as const;
const remove = { kind: "remove", graceMs: 0 } as const;
const one = reservation(1, FIRST);
const two = reservation(2, FIRST + 5);

function verdictOf(told: readonly Told[], facts: Omit<LinkHistory, "operations"> = {}): string {
  return checkHistory(historyOf(told, facts), { model: applyLinkOp }).verdict;
}

test("nothing happened: nothing contradicts", () => {
  expect(verdictOf([])).toBe("linearizable");
});

test("a read after a write sees it", () => {
  const write = { asked: set(1), at: [1, 2], told: { link: one } } as const;
  expect(verdictOf([write, { asked: get, at: [3, 4], told: one }])).toBe("linearizable");
  expect(verdictOf([write, { asked: get, at: [3, 4], told: undefined }])).toBe("contradiction");
});

test("a read at the same time as a write sees it or doesn't, but two reads don't go back", () => {
  const write = { asked: set(1), at: [1, 10], told: { link: one } } as const;
  expect(verdictOf([write, { asked: get, at: [2, 3], told: one }])).toBe("linearizable");
  expect(verdictOf([write, { asked: get, at: [2, 3], told: undefined }])).toBe("linearizable");
  const after = { asked: get, at: [4, 5], told: one } as const;
  const before = { asked: get, at: [2, 3], told: undefined } as const;
  expect(verdictOf([write, before, after])).toBe("linearizable");
  expect(verdictOf([write, { ...after, at: [2, 3] }, { ...before, at: [4, 5] }])).toBe("contradiction");
});

test("two claims at the same time have one winner", () => {
  const first = { asked: claim(1), at: [1, 10], told: { created: true, link: one } } as const;
  expect(verdictOf([first, { asked: claim(2), at: [2, 9], told: { created: false, link: one } }])).toBe("linearizable");
  expect(verdictOf([first, { asked: claim(2), at: [2, 9], told: { created: true, link: two } }])).toBe("contradiction");
});

test("a write that ended unknown may have happened, or not, or happen long after", () => {
  const write = { asked: set(1), at: [1, 2], told: UNKNOWN } as const;
  const sees = (at: [number, number]) => ({ asked: get, at, told: one });
  const seesNothing = (at: [number, number]) => ({ asked: get, at, told: undefined });
  expect(verdictOf([write, sees([3, 4])])).toBe("linearizable");
  expect(verdictOf([write, seesNothing([3, 4])])).toBe("linearizable");
  expect(verdictOf([write, seesNothing([3, 4]), sees([5, 6])])).toBe("linearizable");
  expect(verdictOf([write, sees([3, 4]), seesNothing([5, 6])])).toBe("contradiction");
  expect(verdictOf([{ ...write, at: [1] }, seesNothing([3, 4]), sees([5, 6])])).toBe("linearizable");
});

test("it doesn't happen before it was called", () => {
  const read = { asked: get, at: [1, 2], told: one } as const;
  expect(verdictOf([read, { asked: set(1), at: [3, 4], told: UNKNOWN }])).toBe("contradiction");
});

test("one sending happens once", () => {
  const history = (attempts: number): Told[] => [
    { asked: { ...remove }, at: [1, 2], told: UNKNOWN, attempts },
    { asked: set(1), at: [3, 4], told: { link: one } },
    { asked: get, at: [5, 6], told: undefined },
    { asked: set(2), at: [7, 8], told: { link: two } },
    { asked: get, at: [9, 10], told: undefined },
  ];
  expect(verdictOf(history(1))).toBe("contradiction");
  expect(verdictOf(history(2))).toBe("linearizable");
});

test("what was refused never happened", () => {
  const write = { asked: set(1), at: [1, 2], told: REFUSED } as const;
  expect(verdictOf([write, { asked: get, at: [3, 4], told: one }])).toBe("contradiction");
  expect(verdictOf([write, { asked: get, at: [3, 4], told: undefined }])).toBe("linearizable");
});

test("of what was refused in the end, an earlier sending may have happened", () => {
  const read = { asked: get, at: [3, 4], told: one } as const;
  expect(verdictOf([{ asked: claim(1), at: [1, 2], told: REFUSED, attempts: 2 }, read])).toBe("linearizable");
  expect(verdictOf([{ asked: claim(1), at: [1, 2], told: REFUSED }, read])).toBe("contradiction");
});

test("a repeat is answered from the record of an earlier sending; without one it can't be", () => {
  const told = { created: true, link: one, repeated: true };
  expect(verdictOf([{ asked: claim(1), at: [1, 2], told, attempts: 2 }])).toBe("linearizable");
  expect(verdictOf([{ asked: claim(1), at: [1, 2], told }])).toBe("contradiction");
});

test("an earlier sending that arrives after the answered one is a second operation once the record was overwritten", () => {
  const history = (attempts: number): Told[] => [
    { asked: claim(1), at: [1, 2], told: { created: true, link: one }, attempts },
    { asked: { ...remove }, at: [3, 4], told: { removed: true } },
    { asked: get, at: [5, 6], told: reservation(1, FIRST + 9) },
  ];
  expect(verdictOf(history(2))).toBe("linearizable");
  expect(verdictOf(history(1))).toBe("contradiction");
});

test("while the record is there, an earlier sending that arrives late changes nothing", () => {
  const history: Told[] = [
    { asked: claim(1), at: [1, 2], told: { created: true, link: one }, attempts: 2 },
    { asked: get, at: [3, 4], told: reservation(1, FIRST + 9) },
  ];
  expect(verdictOf(history)).toBe("contradiction");
});

test("a token may be any that is high enough, and no lower one", () => {
  const over = (token: number): Told[] => [
    { asked: set(2), at: [1, 2], told: { link: two } },
    { asked: set(1), at: [3, 4], told: { link: reservation(1, token), previous: two } },
  ];
  expect(verdictOf(over(FIRST + 6))).toBe("linearizable");
  expect(verdictOf(over(FIRST + 600))).toBe("linearizable");
  expect(verdictOf(over(FIRST + 4))).toBe("contradiction");
  expect(verdictOf([{ asked: set(1), at: [1, 2], told: { link: reservation(1, FIRST - 1) } }])).toBe("contradiction");
});

test("a token that nobody saw needs its place between those that somebody saw", () => {
  // Pod 2 can only take what was reserved for it: so both doubtful operations ran, the first under a token of its own.
  const history = (token: number): Told[] => [
    { asked: set(1), at: [1, 2], told: { link: one } },
    { asked: set(2), at: [3, 4], told: UNKNOWN },
    {
      asked: { kind: "setIfAbsent", owner: { podIndex: 2, incarnation: 5 }, lifetime: "persistent" },
      at: [5, 6],
      told: UNKNOWN,
    },
    { asked: get, at: [7, 8], told: owned(2, 5, token) },
  ];
  expect(verdictOf(history(FIRST + 2))).toBe("linearizable");
  expect(verdictOf(history(FIRST + 1))).toBe("contradiction");
});

test("a token that only an expectation names may be what a doubtful operation made", () => {
  const history: Told[] = [
    { asked: set(1), at: [1, 2], told: UNKNOWN },
    { asked: { ...remove, expected: { token: String(FIRST + 3) } }, at: [3, 4], told: { removed: true } },
  ];
  expect(verdictOf(history)).toBe("linearizable");
  expect(verdictOf(history.slice(1))).toBe("contradiction");
});

test("a doubtful operation makes a token for its own holder only", () => {
  const read = { asked: get, at: [3, 4], told: two } as const;
  expect(verdictOf([{ asked: set(2), at: [1, 2], told: UNKNOWN }, read])).toBe("linearizable");
  expect(verdictOf([{ asked: set(1), at: [1, 2], told: UNKNOWN }, read])).toBe("contradiction");
});

test("a token is made once, also when its record was gone in between", () => {
  const history: Told[] = [
    { asked: set(1), at: [1, 2], told: { link: one } },
    { asked: { ...remove }, at: [3, 4], told: { removed: true } },
    { asked: set(1), at: [5, 6], told: { link: one } },
  ];
  const checked = checkHistory(historyOf(history), { model: applyLinkOp });
  expect(checked).toMatchObject({ verdict: "contradiction", reason: "a token made twice" });
  expect(verdictOf(history, { tokensMayRepeat: true })).toBe("linearizable");
});

test("a token is made once by doubtful operations too", () => {
  const history: Told[] = [
    { asked: set(1), at: [1, 2], told: UNKNOWN },
    { asked: get, at: [3, 4], told: one },
    { asked: { ...remove }, at: [5, 6], told: { removed: true } },
    { asked: set(1), at: [7, 8], told: UNKNOWN },
    { asked: get, at: [9, 10], told: one },
  ];
  expect(verdictOf(history)).toBe("contradiction");
  expect(verdictOf(history, { tokensMayRepeat: true })).toBe("linearizable");
});

test("a lifetime ends by the time that an operation was judged by", () => {
  const write = {
    asked: { kind: "set", ...naming(1, { ttlMs: 10 }) },
    at: [1, 2],
    told: { link: { ...one, expiresInMs: 10 } },
  } as const;
  const read = (times: number[], told: unknown): Told[] => [write, { asked: get, at: [3, 4], told, times }];
  expect(verdictOf(read([NOW_MS + 4], { ...one, expiresInMs: 6 }))).toBe("linearizable");
  expect(verdictOf(read([NOW_MS + 4], { ...one, expiresInMs: 7 }))).toBe("contradiction");
  expect(verdictOf(read([NOW_MS + 10], undefined))).toBe("linearizable");
  expect(verdictOf(read([NOW_MS + 9], undefined))).toBe("contradiction");
  expect(verdictOf(read([NOW_MS + 9, NOW_MS + 10], undefined))).toBe("linearizable");
});

test("on a real clock lifetimes may differ by what is tolerated", () => {
  const read: Told[] = [
    { asked: { kind: "set", ...naming(1, { ttlMs: 10 }) }, at: [1, 2], told: { link: { ...one, expiresInMs: 8 } } },
  ];
  expect(verdictOf(read, { toleranceMs: 2 })).toBe("linearizable");
  expect(verdictOf(read, { toleranceMs: 1 })).toBe("contradiction");
});

test("on a real clock a link may have lived a little longer for one operation than for the next", () => {
  const ending: Told[] = [
    {
      asked: { kind: "set", ...naming(1, { ttlMs: 50 }) },
      at: [1, 2],
      told: { link: { ...one, expiresInMs: 50 } },
      times: [NOW_MS, NOW_MS + 2],
    },
    { asked: get, at: [3, 4], told: { ...one, expiresInMs: 1 }, times: [NOW_MS + 50] },
    { asked: get, at: [5, 6], told: undefined, times: [NOW_MS + 51] },
  ];
  expect(verdictOf(ending)).toBe("contradiction");
  expect(verdictOf(ending, { toleranceMs: 2 })).toBe("linearizable");
});

test("what an earlier return proves of the store's time lets an expired record be dropped", () => {
  const dropped: Told[] = [
    { asked: { kind: "set", ...naming(1, { ttlMs: 10 }) }, at: [1, 2], told: { link: { ...one, expiresInMs: 10 } } },
    { asked: get, at: [3, 5], told: undefined, times: [NOW_MS, NOW_MS + 10] },
    { asked: claim(2), at: [4, 6], told: { created: true, link: reservation(2, FIRST + 2) }, times: [NOW_MS] },
  ];
  expect(verdictOf(dropped)).toBe("linearizable");
  expect(verdictOf([dropped[0] as Told, { ...(dropped[1] as Told), at: [5, 7] }, dropped[2] as Told])).toBe(
    "contradiction",
  );
});

test("an expired record may still be stored or not: a token grows over it, or starts again", () => {
  const history = (token: number, times = [NOW_MS + 10]): Told[] => [
    {
      asked: { kind: "set", ...naming(1, { ttlMs: 10 }) },
      at: [1, 2],
      told: { link: reservation(1, FIRST + 50_000, 10) },
    },
    { asked: claim(2), at: [3, 4], told: { created: true, link: reservation(2, token) }, times },
  ];
  expect(verdictOf(history(FIRST + 60_000))).toBe("linearizable");
  expect(verdictOf(history(FIRST + 10_000))).toBe("linearizable");
  expect(verdictOf(history(FIRST + 9999))).toBe("contradiction");
  expect(verdictOf(history(FIRST + 10_000, [NOW_MS + 9]))).toBe("contradiction");
});

test("what a later time had dropped is gone for a request with an earlier time, and only then", () => {
  const late = (returnedAtMs: number): Told[] => [
    { asked: { kind: "set", ...naming(1, { ttlMs: 10 }) }, at: [1, 2], told: { link: { ...one, expiresInMs: 10 } } },
    { asked: claim(2), at: [3, 4], told: { created: true, link: two }, returnedAtMs },
  ];
  expect(verdictOf(late(NOW_MS + 10))).toBe("linearizable");
  expect(verdictOf(late(NOW_MS + 9))).toBe("contradiction");
});

test("an owner's lower incarnation is told that it is superseded, and changes nothing", () => {
  const asked = (incarnation: number) =>
    ({ kind: "set", owner: { podIndex: 1, incarnation }, lifetime: "persistent" }) as const;
  const newer = owned(1, 8, FIRST);
  const first = { asked: asked(8), at: [1, 2], told: { link: newer } } as const;
  expect(verdictOf([first, { asked: asked(7), at: [3, 4], told: { superseded: true, link: newer } }])).toBe(
    "linearizable",
  );
  const over = { link: owned(1, 7, FIRST + 1), previous: newer };
  expect(verdictOf([first, { asked: asked(7), at: [3, 4], told: over }])).toBe("contradiction");
});

test("operations of different links have no order among each other", () => {
  const other = { asked: { ...get, uid: "bob" }, at: [3, 4], told: undefined } as const;
  expect(verdictOf([{ asked: set(1), at: [1, 2], told: { link: one } }, other])).toBe("linearizable");
});

test("beyond its limit a search says that it doesn't know", () => {
  const history = historyOf([
    { asked: set(1), at: [1, 2], told: { link: one } },
    { asked: get, at: [3, 4], told: one },
  ]);
  expect(checkHistory(history, { model: applyLinkOp, maxStates: 1 })).toEqual({
    verdict: "undecided",
    links: ["prod/room/alice"],
  });
});

test("an order that is found has every answer and says which doubtful runs happened", () => {
  const history = historyOf([
    { asked: set(1), at: [1, 2], told: UNKNOWN },
    { asked: get, at: [3, 4], told: one },
  ]);
  const checked = checkHistory(history, { model: applyLinkOp });
  const orders = checked.verdict === "linearizable" ? checked.orders.get("prod/room/alice") : undefined;
  expect(orders?.map(({ recorded, isAnswered }) => [recorded.id, isAnswered])).toEqual([
    ["o1", false],
    ["o2", true],
  ]);
});
