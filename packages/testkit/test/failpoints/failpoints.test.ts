import { failpoint as ours } from "@podlink/types/failpoint";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FailpointOptions } from "../../src/index.ts";
import { expectNothingLeftOpen, failpoint, failpoints } from "../../src/index.ts";

beforeEach(() => failpoints.clear());
afterEach(() => failpoints.clear());

const HOOK = Symbol.for("podlink.failpoints/1");
/** A call of one of podlink's own points. */
const claim = (uid = "ann"): Promise<void> | undefined => ours("before-claim", { uid });
const repeat = (): void =>
  ours("before-repeat", { namespace: "n", uid: "ann", kind: "get", opId: undefined, mayHaveRun: true });

test("where nothing was asked for, nothing is called and there is nothing to wait for", () => {
  expect(claim()).toBeUndefined();
  expect(Reflect.get(globalThis, HOOK)).toBeUndefined();
  const other = failpoints.on("after-claim", { action: "throw" });
  expect(claim()).toBeUndefined();
  other.end();
  expect(Reflect.get(globalThis, HOOK)).toBeUndefined();
});

test("throw: the code fails there with an Error that names the point, or the one that was made for it", () => {
  const point = failpoints.on("before-claim", { action: "throw" });
  expect(claim).toThrow("thrown by failpoint before-claim");
  point.end();
  expect(claim()).toBeUndefined();
  failpoints.on("before-claim", { action: "throw", error: () => new RangeError("mine") });
  expect(claim).toThrow(new RangeError("mine"));
  expect(repeat).not.toThrow();
});

test("pause: the call waits until it is released; the next one waits again", async () => {
  const point = failpoints.on("before-claim", { action: "pause" });
  const passed: string[] = [];
  const calls = ["ann", "bob"].map(async (uid) => {
    await claim(uid);
    passed.push(uid);
  });
  await point.reached({ hits: 2 });
  await wait(5);
  expect({ passed, paused: point.paused }).toEqual({ passed: [], paused: 2 });
  point.release();
  await Promise.all(calls);
  expect(point.paused).toBe(0);
  const later = claim();
  expect({ hits: point.hits, paused: point.paused }).toEqual({ hits: 3, paused: 1 });
  point.end();
  await later;
  expect(claim()).toBeUndefined();
});

test("pause for some milliseconds: then it goes on by itself, and released before, it leaves no timer", async () => {
  await expectNothingLeftOpen(async () => {
    failpoints.on("before-claim", { action: "pause", ms: 20, times: 1 });
    const begun = performance.now();
    await claim();
    expect(performance.now() - begun).toBeGreaterThanOrEqual(19); // of a timer's rounding
    const long = failpoints.on("before-claim", { action: "pause", ms: 3_600_000 });
    const held = claim();
    long.release();
    await held;
  });
});

test("where code can't wait, a pause stops the whole process for so long; without a length it is refused", () => {
  failpoints.on("before-repeat", { action: "pause", ms: 20 });
  const begun = performance.now();
  repeat();
  expect(performance.now() - begun).toBeGreaterThanOrEqual(19);
  expect(() => failpoints.on("before-repeat", { action: "pause" })).toThrow("before-repeat.ms must be given");
});

test("run: gets what the point tells, and the code waits for its promise and gets what it throws", async () => {
  const seen: unknown[] = [];
  const point = failpoints.on("before-claim", {
    run: async ({ uid }) => {
      await wait(1);
      seen.push(uid);
    },
  });
  await claim("ann");
  expect(seen).toEqual(["ann"]);
  point.end();
  failpoints.on("before-claim", { run: () => Promise.reject(new Error("mine")) });
  await expect(claim()).rejects.toThrow("mine");
});

test("where code can't wait, what runs must not return a promise", () => {
  const seen: unknown[] = [];
  const probe = failpoints.on("before-repeat", { run: (context) => void seen.push(context) });
  repeat();
  expect(seen).toEqual([{ namespace: "n", uid: "ann", kind: "get", opId: undefined, mayHaveRun: true }]);
  probe.end();
  failpoints.on("before-repeat", { run: () => Promise.reject(new Error("unheard")) });
  expect(repeat).toThrow("what runs there must not return a promise");
});

test("after and times choose among the calls that matter", () => {
  const hit: string[] = [];
  const point = failpoints.on("before-claim", {
    run: ({ uid }) => void hit.push(uid as string),
    where: ({ uid }) => uid !== "carl",
    after: 1,
    times: 2,
  });
  for (const uid of ["ann", "carl", "bob", "carl", "dora", "eve"]) void claim(uid);
  expect(hit).toEqual(["bob", "dora"]);
  expect(point.hits).toBe(2);
});

test("several at one point happen in the order in which they were asked for, each when the one before is over", async () => {
  const order: string[] = [];
  const first = failpoints.on("before-claim", { action: "pause" });
  failpoints.on("before-claim", { run: () => void order.push("second") });
  failpoints.on("before-claim", { action: "throw", error: () => new Error("third") });
  const call = claim()?.catch((error: unknown) => void order.push((error as Error).message));
  expect(order).toEqual([]);
  first.release();
  await call;
  expect(order).toEqual(["second", "third"]);
});

test("one that was ended while a call waited before it doesn't happen to that call", async () => {
  const first = failpoints.on("before-claim", { action: "pause" });
  const second = failpoints.on("before-claim", { action: "throw" });
  const call = claim();
  second.end();
  first.release();
  await call;
  expect(second.hits).toBe(0);
});

test("reached: at once when it was, else when it is; too late, or ended before, it says what was not reached", async () => {
  await expectNothingLeftOpen(async () => {
    const point = failpoints.on("before-claim", { run: () => undefined });
    const twice = point.reached({ hits: 2 });
    void claim();
    await point.reached();
    void claim();
    await twice;
    await expect(point.reached({ hits: 3, timeoutMs: 5 })).rejects.toThrow(
      "failpoint before-claim was not reached 3 times, but 2 within 5 ms",
    );
    const never = failpoints.on("after-claim", { action: "pause" });
    const ended = expect(never.reached()).rejects.toThrow("failpoint after-claim was not reached before it was ended");
    never.end();
    await ended;
    await expect(never.reached()).rejects.toThrow("before it was ended");
  });
});

test("`using` ends it, and clear ends all and lets go on what waits", async () => {
  {
    using point = failpoints.on("before-claim", { action: "throw" });
    expect(claim).toThrow(point.name);
  }
  expect(claim()).toBeUndefined();
  failpoints.on("before-claim", { action: "pause" });
  const held = claim();
  failpoints.clear();
  await held;
});

test("your own code has points too, named with a word of yours and a colon", async () => {
  const seen: unknown[] = [];
  failpoints.on("room:before-write", { run: (context) => void seen.push(context) });
  await failpoint("room:before-write", { uid: "ann" });
  await failpoint("room:before-write");
  await failpoint("room:after-write");
  expect(seen).toEqual([{ uid: "ann" }, {}]);
});

const bad = (options: object) => options as FailpointOptions;
test.each([
  ["before-clam", { action: "exit" }, /^a failpoint must be one of before-register, .*after-save; or one of your own/],
  ["room:", { action: "exit" }, /^a failpoint must be/],
  ["toString", { action: "exit" }, /^a failpoint must be/],
  ["before-claim", {}, "before-claim must be given either action or run"],
  ["before-claim", { action: "exit", run: () => undefined }, "before-claim must be given either action or run"],
  ["before-claim", { action: "sleep" }, 'before-claim.action must be exit, throw or pause; got "sleep"'],
  ["before-claim", { action: "exit", time: 1 }, "an option of before-claim must be one of action, run, where"],
  ["before-claim", { action: "throw", times: 0 }, "before-claim.times must be a whole number, at least 1; got 0"],
  ["before-claim", { action: "throw", after: -1 }, "before-claim.after must be a whole number, at least 0; got -1"],
  ["before-claim", { action: "throw", ms: 5 }, "before-claim.ms must be absent unless the action is pause; got 5"],
  ["before-claim", { action: "pause", ms: 0.5 }, "before-claim.ms must be a whole number"],
  ["before-claim", { action: "exit", error: () => new Error() }, "before-claim.error must be absent unless"],
  ["before-claim", { run: "exit" }, 'before-claim.run must be a function; got "exit"'],
  ["before-claim", { action: "exit", where: true }, "before-claim.where must be a function; got true"],
])("%s with %o is refused", (name, options, message) => {
  expect(() => failpoints.on(name as "before-claim", bad(options))).toThrow(message);
  expect(Reflect.get(globalThis, HOOK)).toBeUndefined();
});
