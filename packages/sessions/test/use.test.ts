import { describe, expect, test } from "vitest";
import type { Counter } from "./fixture.ts";
import { fixture, gate } from "./fixture.ts";

const increment = (state: Counter): number => ++state.count;

describe("a use", () => {
  test("loads once for a period, however many come at once", async () => {
    const { sessions, calls } = fixture();
    const counts = await Promise.all([1, 2, 3].map(() => sessions.use("alice", increment)));
    expect(counts).toEqual([1, 2, 3]);
    expect(await sessions.use("alice", increment)).toBe(4);
    expect(calls).toEqual(["load alice 101"]);
  });

  test("has its turn: uses of a uid never overlap and keep their order", async () => {
    const { sessions } = fixture();
    const first = gate();
    const log: string[] = [];
    const slow = sessions.use("alice", async () => {
      log.push("slow begins");
      await first.passed;
      log.push("slow ends");
    });
    const others = ["b", "c"].map((name) => sessions.use("alice", () => void log.push(name)));
    const elsewhere = sessions.use("bob", () => void log.push("bob"));
    await elsewhere;
    first.open();
    await Promise.all([slow, ...others]);
    expect(log).toEqual(["slow begins", "bob", "slow ends", "b", "c"]);
  });

  test("is told link, signal and the fence of the period", async () => {
    const { sessions } = fixture();
    await sessions.use("alice", (_, { link, signal, fence, fenced }) => {
      expect(link).toMatchObject({ uid: "alice", token: "101" });
      expect(signal.aborted).toBe(false);
      expect(fence).toEqual({ token: "101", holder: "0.7" });
      expect(fenced).toBeUndefined();
    });
  });

  test("counts as running at the pod until it ends, whatever its end", async () => {
    const { sessions, pod } = fixture();
    await sessions.use("alice", () => expect(pod.running).toBe(1));
    await expect(sessions.use("alice", () => Promise.reject(new Error("mine")))).rejects.toThrow("mine");
    expect(pod.running).toBe(0);
    expect(await sessions.use("alice", increment)).toBe(1);
  });

  test("passes token and pod of its request to the guard", async () => {
    const { sessions, pod } = fixture();
    const request = { token: "90", pod: { namespace: "test", service: "room", podIndex: 0 } };
    await sessions.use("alice", increment, request);
    expect(pod.requests).toEqual([request]);
  });

  test("inside another of the same uid belongs to it and runs at once", async () => {
    const { sessions } = fixture();
    const count = await sessions.use("alice", async (outer) => {
      outer.count = 10;
      await sessions.use("bob", () => sessions.use("alice", increment)); // through another uid too
      return sessions.use("alice", increment);
    });
    expect(count).toBe(12);
  });

  test("that outlives the use it began in waits for its turn like any other", async () => {
    const { sessions } = fixture();
    const [later, hold] = [gate(), gate()];
    const log: string[] = [];
    let left: Promise<void> | undefined;
    await sessions.use("alice", () => {
      left = later.passed.then(() => sessions.use("alice", () => void log.push("left behind")));
    });
    const second = sessions.use("alice", async () => {
      later.open();
      await hold.passed;
      log.push("second");
    });
    hold.open();
    await Promise.all([second, left]);
    expect(log).toEqual(["second", "left behind"]);
  });
});

describe("waiting", () => {
  test("is bounded for each uid: one more than maxQueued is refused and says so", async () => {
    const { sessions } = fixture({ maxQueued: 2 });
    const hold = gate();
    const first = sessions.use("alice", () => hold.passed);
    await sessions.use("bob", increment);
    const waiting = [sessions.use("alice", increment), sessions.use("alice", increment)];
    await expect(sessions.use("alice", increment)).rejects.toMatchObject({
      code: "POD_UNAVAILABLE",
      outcome: "not-applied",
      message: "2 uses wait for this uid, as many as maxQueued allows",
    });
    expect(sessions.read()).toMatchObject({ waiting: 2 });
    hold.open();
    await first;
    expect(await Promise.all(waiting)).toEqual([1, 2]);
  });

  test("with maxQueued 0 nobody waits but for the load", async () => {
    const { sessions } = fixture({ maxQueued: 0 });
    const hold = gate();
    const first = sessions.use("alice", () => hold.passed);
    await expect(sessions.use("alice", increment)).rejects.toMatchObject({ code: "POD_UNAVAILABLE" });
    hold.open();
    await first;
  });

  test("ends after waitMs, or the request's own timeoutMs, and what waited never runs", async () => {
    const { sessions, clock } = fixture({ waitMs: 500 });
    const hold = gate();
    let ran = 0;
    const first = sessions.use("alice", () => hold.passed);
    const refused = expect(sessions.use("alice", () => (ran += 1))).rejects.toMatchObject({
      code: "TIMEOUT",
      outcome: "not-applied",
    });
    const sooner = expect(sessions.use("alice", () => (ran += 1), { timeoutMs: 100 })).rejects.toMatchObject({
      code: "TIMEOUT",
    });
    await clock.advance(100);
    await sooner;
    await clock.advance(400);
    await refused;
    hold.open();
    await first;
    await clock.advance(0);
    expect(ran).toBe(0);
  });

  test("ends with the caller's signal, and the next one has the turn", async () => {
    const { sessions } = fixture();
    const hold = gate();
    const stop = new AbortController();
    const first = sessions.use("alice", () => hold.passed);
    const cancelled = sessions.use("alice", increment, { signal: stop.signal });
    const next = sessions.use("alice", increment);
    stop.abort();
    await expect(cancelled).rejects.toMatchObject({ code: "CANCELLED" });
    hold.open();
    await first;
    expect(await next).toBe(1);
  });
});

describe("a load that fails", () => {
  test("reaches every waiter, and the next use tries again", async () => {
    let fails = true;
    const { sessions } = fixture({
      load: () => (fails ? Promise.reject(new Error("the database is away")) : { count: 5 }),
    });
    const settled = await Promise.allSettled([1, 2, 3].map(() => sessions.use("alice", increment)));
    expect(settled.map((result) => result.status === "rejected" && String(result.reason))).toEqual(
      Array.from({ length: 3 }, () => "Error: the database is away"),
    );
    expect(sessions.size).toBe(0);
    fails = false;
    expect(await sessions.use("alice", increment)).toBe(6);
    expect(sessions.read()).toMatchObject({ loads: 2, loadFailures: 1 });
  });

  test("by throwing before it returns a promise does the same", async () => {
    const { sessions } = fixture({
      load: () => {
        throw new TypeError("broken");
      },
    });
    await expect(sessions.use("alice", increment)).rejects.toThrow("broken");
  });

  test("that hangs fails after loadTimeoutMs", async () => {
    let hangs = true;
    const { sessions, clock } = fixture({
      load: () => (hangs ? new Promise(() => undefined) : { count: 0 }),
      loadTimeoutMs: 300,
    });
    const failed = expect(sessions.use("alice", increment)).rejects.toMatchObject({ code: "TIMEOUT" });
    await clock.advance(300);
    await failed;
    hangs = false;
    expect(await sessions.use("alice", increment)).toBe(1);
  });

  test("is not begun anew because one of its waiters gave up", async () => {
    const ready = gate();
    const { sessions, calls } = fixture();
    const slow = fixture({
      load: async () => {
        await ready.passed;
        return { count: 1 };
      },
    });
    const impatient = expect(slow.sessions.use("alice", increment, { timeoutMs: 10 })).rejects.toMatchObject({
      code: "TIMEOUT",
    });
    const patient = slow.sessions.use("alice", increment);
    await slow.clock.advance(10);
    await impatient;
    ready.open();
    expect(await patient).toBe(2);
    expect(slow.sessions.read()).toMatchObject({ loads: 1 });
    expect(calls).toEqual([]);
    expect(sessions.size).toBe(0);
  });
});
