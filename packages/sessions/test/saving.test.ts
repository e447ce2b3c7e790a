import { describe, expect, test } from "vitest";
import { FenceRefused } from "../src/index.ts";
import type { Counter } from "./fixture.ts";
import { fixture, gate } from "./fixture.ts";

const increment = (state: Counter): number => ++state.count;

describe("a hand-over", () => {
  test("saves before the link moves, and not again after", async () => {
    const { pod, sessions, calls, saved } = fixture();
    await sessions.use("alice", increment);
    await pod.handOff("alice");
    expect(saved.get("alice")).toBe(1);
    await sessions.close();
    expect(calls).toEqual(["load alice 101", "save alice 101"]);
  });

  test("that ends without a move leaves the session as it was", async () => {
    const { pod, sessions, calls } = fixture();
    await sessions.use("alice", increment);
    const end = pod.end.bind(pod);
    pod.end = () => undefined; // nobody could take the uid
    await pod.handOff("alice");
    expect(await sessions.use("alice", increment)).toBe(2);
    pod.end = end;
    await pod.handOff("alice");
    expect(calls).toEqual(["load alice 101", "save alice 101", "save alice 101"]);
  });

  test("is not kept waiting by a use that hangs: what it changed so far is saved", async () => {
    const { pod, sessions, saved, clock } = fixture({ saveTimeoutMs: 300 });
    const hold = gate();
    const hanging = sessions.use("alice", async (state) => {
      state.count = 7;
      await hold.passed;
    });
    const waiting = sessions.use("alice", increment);
    await sessions.use("bob", increment);
    const handedOff = pod.handOff("alice");
    await clock.advance(0);
    expect(saved.get("alice")).toBe(7); // at once
    await clock.advance(300);
    await handedOff;
    expect(await waiting).toBe(8); // in the next period
    hold.open();
    await hanging;
  });

  test("keeps what a slow use changed after it was saved in the middle, if the use ends before the link moves", async () => {
    const { pod, sessions, calls, saved } = fixture();
    const [hold, moved] = [gate(), gate()];
    const end = pod.end.bind(pod);
    pod.end = (...args) => void moved.passed.then(() => end(...args));
    const slow = sessions.use("alice", async (state) => {
      state.count = 7;
      await hold.passed;
      return ++state.count;
    });
    await sessions.use("bob", increment);
    const handedOff = pod.handOff("alice");
    await sessions.use("bob", increment);
    expect(saved.get("alice")).toBe(7);
    hold.open();
    expect(await slow).toBe(8); // told to its user
    await handedOff;
    expect(saved.get("alice")).toBe(8);
    moved.open();
    expect(calls.filter((call) => call.startsWith("save alice")).length).toBe(2);
  });

  test("in the middle of a use, without a move: what the use changes after is saved by the next", async () => {
    const { pod, sessions, saved, clock } = fixture({ saveTimeoutMs: 300 });
    const hold = gate();
    const slow = sessions.use("alice", async (state) => {
      await hold.passed;
      state.count = 8;
    });
    await sessions.use("bob", increment);
    pod.end = () => undefined; // nobody could take the uid
    const handedOff = pod.handOff("alice");
    await clock.advance(300);
    await handedOff;
    hold.open();
    await slow;
    await sessions.close();
    expect(saved.get("alice")).toBe(8);
  });

  test("whose save fails says so, to the pod", async () => {
    const { pod, sessions } = fixture({ save: () => Promise.reject(new Error("disk full")) });
    await sessions.use("alice", increment);
    await expect(pod.handOff("alice")).rejects.toThrow("disk full");
    expect(sessions.read()).toMatchObject({ saves: 0, saveFailures: 1 });
  });

  test("whose save hangs ends after saveTimeoutMs, and the save is told by its signal", async () => {
    let told: AbortSignal | undefined;
    const { pod, sessions, clock } = fixture({
      save: (_uid, _state, { signal }) => {
        told = signal;
        return new Promise(() => undefined);
      },
      saveTimeoutMs: 200,
    });
    await sessions.use("alice", increment);
    const failed = expect(pod.handOff("alice")).rejects.toMatchObject({ code: "TIMEOUT" });
    await clock.advance(200);
    await failed;
    expect(told?.aborted).toBe(true);
    pod.end("alice", "lost");
  });

  test("of a uid without a session does nothing", async () => {
    const { pod, sessions, calls } = fixture();
    pod.enter("alice");
    await pod.handOff("alice");
    expect(calls).toEqual([]);
    expect(sessions.size).toBe(0);
  });

  test("of a session that nothing used since it was saved saves nothing", async () => {
    const { pod, sessions, calls } = fixture({ idleMs: 100, isBusy: () => true });
    await sessions.use("alice", increment);
    const end = pod.end.bind(pod);
    pod.end = () => undefined;
    await pod.handOff("alice");
    pod.end = end;
    await pod.handOff("alice");
    expect(calls).toEqual(["load alice 101", "save alice 101"]);
  });
});

describe("a stop", () => {
  test.each(["stopped", "released"] as const)(
    "saves what was not saved yet, and close waits for it: %s",
    async (reason) => {
      const slow = gate();
      const saved: number[] = [];
      const { pod, sessions, clock } = fixture({
        save: async (_uid, state) => {
          await slow.passed;
          saved.push(state.count);
        },
      });
      await sessions.use("alice", increment);
      pod.end("alice", reason);
      expect(sessions.size).toBe(0);
      const closed = sessions.close().then(() => saved.slice());
      await clock.advance(10);
      slow.open();
      expect(await closed).toEqual([1]);
    },
  );

  test("followed by a new period: its load waits for the save of the old", async () => {
    const slow = gate();
    const log: string[] = [];
    const { pod, sessions } = fixture({
      load: () => {
        log.push("load");
        return { count: 0 };
      },
      save: async () => {
        await slow.passed;
        log.push("saved");
      },
    });
    await sessions.use("alice", increment);
    pod.end("alice", "stopped");
    const next = sessions.use("alice", increment);
    await sessions.use("bob", increment);
    slow.open();
    await next;
    expect(log).toEqual(["load", "load", "saved", "load"]);
  });
});

describe("close", () => {
  test("saves every session, refuses those that wait and leaves nothing behind", async () => {
    const { pod, sessions, saved, clock } = fixture();
    for (let user = 0; user < 200; user += 1) await sessions.use(`user-${user}`, increment);
    const hold = gate();
    const running = sessions.use("user-0", async (state) => {
      await hold.passed;
      state.count = 50;
    });
    const waiting = sessions.use("user-0", increment);
    await sessions.use("user-1", () => undefined);
    const refused = expect(waiting).rejects.toMatchObject({ code: "CLOSED", outcome: "not-applied" });
    const closed = sessions.close();
    await refused;
    hold.open();
    await running;
    await closed;
    expect(sessions.size).toBe(0);
    expect(saved.size).toBe(200);
    expect(saved.get("user-0")).toBe(50);
    expect(clock.pendingTimers).toBe(0);
    expect(pod.listeners).toBe(0);
    await expect(sessions.use("alice", increment)).rejects.toMatchObject({ code: "CLOSED" });
    await expect(sessions.release("alice")).rejects.toMatchObject({ code: "CLOSED" });
    await sessions.close();
    await sessions[Symbol.asyncDispose]();
  });

  test("waits for a use that hangs no longer than for a save", async () => {
    const { sessions, saved, clock } = fixture({ saveTimeoutMs: 300 });
    const hanging = sessions.use("alice", async (state) => {
      state.count = 9;
      await new Promise(() => undefined);
    });
    hanging.catch(() => undefined);
    await clock.advance(0);
    const closed = sessions.close();
    await clock.advance(300);
    await closed;
    expect(saved.get("alice")).toBe(9);
    expect(clock.pendingTimers).toBe(0);
  });

  test("waits for the use that runs, also where no use may wait", async () => {
    const { sessions, saved, clock } = fixture({ maxQueued: 0 });
    const hold = gate();
    const running = sessions.use("alice", async (state) => {
      await hold.passed;
      state.count = 9;
    });
    await sessions.use("bob", increment);
    const closed = sessions.close();
    await clock.advance(0);
    hold.open();
    await running;
    await closed;
    expect(saved.get("alice")).toBe(9);
  });

  test("ends although a save fails or is refused", async () => {
    const { sessions } = fixture({
      save: (uid) => {
        throw uid === "alice" ? new FenceRefused("500") : new Error("disk full");
      },
    });
    await sessions.use("alice", increment);
    await sessions.use("bob", increment);
    await sessions.close();
    expect(sessions.read()).toMatchObject({ sessions: 0, saveFailures: 1, fenceRefusals: 1 });
  });
});

describe("release", () => {
  test("saves the session and gives the link back, after the uses that came before", async () => {
    const { pod, sessions, calls, saved } = fixture();
    const hold = gate();
    const before = sessions.use("alice", async (state) => {
      await hold.passed;
      state.count = 3;
    });
    const released = sessions.release("alice", 5000);
    const after = sessions.use("alice", increment);
    hold.open();
    await Promise.all([before, released]);
    expect(pod.removed).toEqual([["alice", 5000]]);
    expect(saved.get("alice")).toBe(3);
    expect(await after).toBe(4); // in a new period
    expect(calls).toEqual(["load alice 101", "save alice 101", "load alice 102"]);
  });

  test("waits for the use that runs, also where no use may wait", async () => {
    const { sessions, saved } = fixture({ maxQueued: 0 });
    const hold = gate();
    const running = sessions.use("alice", async (state) => {
      await hold.passed;
      state.count = 9;
    });
    await sessions.use("bob", increment);
    const released = sessions.release("alice");
    hold.open();
    await Promise.all([running, released]);
    expect(saved.get("alice")).toBe(9);
  });

  test("of a uid without a session gives its link back alone", async () => {
    const { pod, sessions } = fixture({ releaseGraceMs: 40 });
    await sessions.release("alice");
    expect(pod.removed).toEqual([["alice", 40]]);
  });

  test("keeps link and session when the save fails", async () => {
    let fails = true;
    const { pod, sessions } = fixture({ save: () => (fails ? Promise.reject(new Error("disk full")) : undefined) });
    await sessions.use("alice", increment);
    await expect(sessions.release("alice")).rejects.toThrow("disk full");
    expect(pod.removed).toEqual([]);
    fails = false;
    await sessions.release("alice");
    expect(pod.removed).toEqual([["alice", 0]]);
  });

  test("has nothing to do when the period ends before its turn", async () => {
    const { pod, sessions } = fixture();
    const hold = gate();
    const running = sessions.use("alice", () => hold.passed);
    await sessions.use("bob", increment);
    const released = sessions.release("alice");
    pod.end("alice", "lost");
    await released;
    expect(pod.removed).toEqual([]);
    hold.open();
    await running;
  });

  test("is refused inside a use of the uid, and with a bad grace", async () => {
    const { sessions } = fixture();
    await sessions.use("alice", async () => {
      await expect(sessions.release("alice")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    });
    await expect(sessions.release("alice", -1)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
