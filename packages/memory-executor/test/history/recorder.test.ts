import { LinkLog, recordLinks, steppedTime } from "@podlink/testkit";
import type { LinkStore, SetOp } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { expect, test } from "vitest";
import { MemoryExecutor } from "../../src/index.ts";

const key = { namespace: "prod", service: "room", uid: "alice" };
const set: SetOp = { kind: "set", ...key, owner: { podIndex: 1 }, lifetime: "persistent" };

function recorder(store: LinkStore = new MemoryExecutor()) {
  const time = steppedTime({ startMs: 1000 });
  const log = new LinkLog({ time });
  return { time, log, links: recordLinks(store, { log, client: "c1" }) };
}

function failing(error: Error): LinkStore {
  const fail = () => Promise.reject(error);
  return { execute: fail, executeAll: fail, podsOf: fail, servicesOf: fail };
}

test("call, return, answer and time are recorded; a mutation without an id gets one", async () => {
  const { log, links } = recorder();
  const result = await links.execute(set);
  await links.execute({ kind: "get", ...key });
  const [write, read] = log.history().operations;
  expect(write).toMatchObject({ client: "c1", called: 1, returned: 2, times: [1000], returnedAtMs: 1000 });
  expect(write?.outcome).toEqual({ kind: "answered", result });
  expect(write?.op).toMatchObject({ ...set, opId: expect.stringMatching(/^[a-z0-9]{1,10}$/) as string });
  expect(read?.op).toEqual({ kind: "get", ...key });
});

test("a list is recorded as operations at the same time, each with its own outcome", async () => {
  const { log, links } = recorder();
  await links.executeAll([set, { ...set, uid: "." }]);
  const [good, bad] = log.history().operations;
  expect(good).toMatchObject({ called: 1, outcome: { kind: "answered" } });
  expect(bad).toMatchObject({ called: 2, outcome: { kind: "refused", code: "INVALID_ARGUMENT" } });
});

test.each([
  [new RouteError("TIMEOUT", "late", { outcome: "unknown" }), "unknown"],
  [new RouteError("TIMEOUT", "late"), "unknown"],
  [new RouteError("CANCELLED", "gone"), "unknown"],
  [new RouteError("CANCELLED", "gone", { outcome: "not-applied" }), "refused"],
  [new RouteError("STORE_UNAVAILABLE", "cut", { outcome: "not-applied" }), "refused"],
  [new RouteError("STORE_UNAVAILABLE", "cut"), "unknown"],
  [new RouteError("CORRUPT", "newer"), "refused"],
  [new Error("a bug"), "unknown"],
])("%s is recorded as %s", async (error, kind) => {
  const { log, links } = recorder(failing(error));
  await expect(links.execute(set)).rejects.toBe(error);
  await expect(links.executeAll([set])).rejects.toBe(error);
  expect(log.history().operations.map(({ outcome }) => outcome.kind)).toEqual([kind, kind]);
});

test("an operation under way is unknown, and may have been judged by any time since its call", async () => {
  let giveUp: (error: Error) => void = () => {};
  const held = new Promise<never>((_, reject) => (giveUp = reject));
  const { time, log, links } = recorder({ ...failing(new Error("never")), execute: () => held });
  const call = links.execute({ ...set, opId: "mine" });
  time.advance(5);
  expect(log.history().operations).toMatchObject([{ outcome: { kind: "unknown" }, times: [1000, 1005] }]);
  expect(log.history().operations[0]?.returned).toBeUndefined();
  expect(log.attempted({ ...key, kind: "set", opId: "mine" })).toBe(true);
  expect(log.attempted({ ...key, kind: "set", opId: "other" })).toBe(false);
  giveUp(new RouteError("TIMEOUT", "late"));
  await expect(call).rejects.toThrow("late");
  time.advance(5);
  expect(log.history().operations).toMatchObject([{ attempts: 2, times: [1000, 1005], returnedAtMs: 1005 }]);
});

test("no two moments of a stepped time are the same, and its milliseconds are those that it says", () => {
  const time = steppedTime({ startMs: 1_767_225_600_000 });
  let steps = 0;
  time.onStep(() => (steps += 1));
  const moments = Array.from({ length: 250 }, () => time.moment());
  expect(new Set(moments).size).toBe(250);
  expect(moments.map((moment) => moment * 1000).every(Number.isSafeInteger)).toBe(true);
  expect(steps).toBe(2);
  expect(time.nowMs()).toBe(1_767_225_600_002);
  expect(Math.floor(time.moment())).toBe(time.nowMs());
});
