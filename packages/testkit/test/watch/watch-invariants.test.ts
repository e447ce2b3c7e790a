import { expect, test } from "vitest";
import type { Violation } from "../../src/index.ts";
import { expectNothingLeftOpen, fakeClock, InvariantError, watchInvariants } from "../../src/index.ts";
import { link, NAME } from "./links.ts";

const CONFIG = expect.objectContaining({ code: "CONFIG" });

function withTwoViolations() {
  const watch = watchInvariants({ clock: fakeClock() });
  watch.tokens.observe({ link: link(5), startedMs: 0, endedMs: 1 });
  watch.tokens.observe({ link: link(4), startedMs: 2, endedMs: 3 });
  watch.fencedWrites.accepted({ uid: "ann", token: "5", holder: "0.1", startedMs: 0, endedMs: 1 });
  watch.fencedWrites.accepted({ uid: "ann", token: "5", holder: "1.1", startedMs: 0, endedMs: 1 });
  return watch;
}

test("a check throws with all that was found, of all watchers", () => {
  const watch = withTwoViolations();
  expect(watch.violations.map(({ invariant }) => invariant)).toEqual(["tokens", "fenced-writes"]);
  expect(() => watch.check()).toThrow(InvariantError);
  expect(() => watch.check()).toThrow(/^tokens: .*\nfenced-writes: .*$/);
  try {
    watch.check();
  } catch (error) {
    expect((error as InvariantError).violations).toEqual(watch.violations);
  }
});

test("a run without a violation passes, and a watcher that saw too little fails it by name", () => {
  const watch = watchInvariants({ clock: fakeClock() });
  watch.check();
  watch.tokens.observe({ link: link(5), startedMs: 0, endedMs: 1 });
  watch.check({ atLeast: { tokens: 1 } });
  expect(watch.counts).toEqual({
    tokens: 1,
    holders: 0,
    guards: 0,
    "fenced-writes": 0,
    deadlines: 0,
    "in-flight": 0,
    heap: 0,
    handles: 0,
  });
  expect(() => watch.check({ atLeast: { tokens: 2, guards: 1 } })).toThrow(
    "tokens: saw 1 observations, expected at least 2\nguards: saw 0 observations, expected at least 1",
  );
  expect(() => watch.check({ atLeast: { token: 1 } as object })).toThrow("atLeast.token: no such watcher");
});

test("whoever listens hears of a violation when it is found; one that throws harms nobody", () => {
  const watch = watchInvariants({ clock: fakeClock() });
  const heard: Violation[] = [];
  watch.onViolation(() => {
    throw new Error("bad listener");
  });
  const listening = watch.onViolation((violation) => heard.push(violation));
  const sees = (token: number, atMs: number) =>
    watch.tokens.observe({ link: link(token), startedMs: atMs, endedMs: atMs });
  sees(5, 0);
  sees(4, 1);
  listening.close();
  sees(3, 2);
  expect(heard).toEqual(watch.violations.slice(0, 1));
  expect(watch.violationCount).toBe(2);
});

test("so many violations are kept, the others are counted", () => {
  const watch = watchInvariants({ clock: fakeClock(), maxViolations: 2 });
  watch.tokens.observe({ link: link(500), startedMs: 0, endedMs: 0 });
  for (let token = 1; token <= 50; token += 1) watch.tokens.observe({ link: link(token), startedMs: 1, endedMs: 1 });
  expect([watch.violations.length, watch.violationCount]).toEqual([2, 50]);
  expect(() => watch.check()).toThrow(/and 48 more$/);
});

test("served requests without a period come out at the check", () => {
  const watch = watchInvariants({ clock: fakeClock() });
  watch.guards.served({ ...NAME, uid: "ann", podIndex: 0, incarnation: 1, token: "5", startedMs: 0, endedMs: 1 });
  expect(watch.violationCount).toBe(0);
  expect(() => watch.check()).toThrow(/^guards: pod 0\.1 served "ann" of test\/room with token 5/);
});

test("a store, a session store and a source of figures are watched through what is given back", async () => {
  const clock = fakeClock();
  const watch = watchInvariants({ clock, sources: { gateway: { read: () => ({ running: 0 }) } } });
  const store = watch.store({ execute: async (_op: object) => link(5) }, { name: "store" });
  const sessions = watch.sessionStore({ write: async (_uid: string, _fence: object) => "written" });
  await store.execute({ kind: "get", ...NAME, uid: "ann" });
  await sessions.write("ann", { token: "5", holder: "0.1" });
  await watch.deadline("call", async () => 1, 10);
  await watch.whenQuiet();
  watch.check({ atLeast: { tokens: 1, "fenced-writes": 1, deadlines: 3, "in-flight": 1 } });
});

test("its end stops the samples and waits for what is pending; nothing is left open", async () => {
  const watch = watchInvariants({ slackMs: 1, sources: { gateway: { read: () => ({ running: 0 }) } } });
  await expectNothingLeftOpen(async () => {
    const samples = watch.sampling({ everyMs: 1 });
    void watch.deadline("never", () => new Promise(() => undefined), 5);
    while (samples.rounds < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    await watch.close();
    const { rounds } = samples;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(samples.rounds).toBe(rounds);
  });
  expect(() => watch.check()).toThrow(/^deadlines: never: /);
});

test("an option that there isn't, or that breaks its rule, is refused by name", () => {
  const refused = (options: object, message: string): void => {
    expect(() => watchInvariants(options)).toThrow(CONFIG);
    expect(() => watchInvariants(options)).toThrow(message);
  };
  refused({ maxUid: 5 }, "watchInvariants.maxUid: no such option");
  refused({ maxUids: 0 }, "watchInvariants.maxUids must be a whole number, at least 1 (got 0)");
  refused({ maxViolations: 1.5 }, "watchInvariants.maxViolations must be a whole number");
  refused({ slackMs: -1 }, "watchInvariants.slackMs must be a number of milliseconds, at least 0 (got -1)");
  refused({ figures: [1] }, "watchInvariants.figures must be a list of names");
  refused({ sources: { gateway: {} } }, "watchInvariants.sources must be objects with read(), by name");
  refused({ excused: true }, "watchInvariants.excused must be a function");
  refused({ clock: 5 }, "watchInvariants.clock must be a Clock");
});
