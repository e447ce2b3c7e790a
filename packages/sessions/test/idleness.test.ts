import { describe, expect, test } from "vitest";
import { recordingLogger } from "@podlink/testkit";
import { FenceRefused } from "../src/index.ts";
import type { Counter } from "./fixture.ts";
import { fixture, gate } from "./fixture.ts";

const increment = (state: Counter): number => ++state.count;
const times = { idleMs: 1000, sweepMs: 100 };

describe("an idle session", () => {
  test("is saved and let go together with its link; the next use loads it again", async () => {
    const { pod, sessions, clock, calls } = fixture({ ...times, releaseGraceMs: 20 });
    await sessions.use("alice", increment);
    await clock.advance(900);
    expect(sessions.size).toBe(1);
    await clock.advance(100);
    expect(sessions.size).toBe(0);
    expect(pod.removed).toEqual([["alice", 20]]);
    expect(await sessions.use("alice", increment)).toBe(2);
    expect(calls).toEqual(["load alice 101", "save alice 101", "load alice 102"]);
    expect(sessions.read()).toMatchObject({ idled: 1, ended: 1, saves: 1, loads: 2 });
  });

  test("counts its idleness from the end of the last use", async () => {
    const { sessions, clock } = fixture(times);
    const hold = gate();
    const long = sessions.use("alice", () => hold.passed);
    await clock.advance(3000);
    expect(sessions.size).toBe(1);
    hold.open();
    await long;
    await clock.advance(900);
    expect(sessions.size).toBe(1);
    await clock.advance(200);
    expect(sessions.size).toBe(0);
  });

  test("stays while the application says that it is busy", async () => {
    let busy = true;
    const { sessions, clock } = fixture({ ...times, isBusy: () => busy });
    await sessions.use("alice", increment);
    await clock.advance(5000);
    expect(sessions.size).toBe(1);
    busy = false;
    await clock.advance(100);
    expect(sessions.size).toBe(0);
  });

  test("whose period ended before the session was there goes, too", async () => {
    const { pod, sessions, clock } = fixture({
      ...times,
      load: (uid) => {
        pod.end(uid, "lost");
        return { count: 0 };
      },
    });
    await expect(sessions.use("alice", increment)).rejects.toMatchObject({ code: "NOT_HOLDER" });
    await clock.advance(1100);
    expect(sessions.size).toBe(0);
  });

  test("that is wanted while it is saved stays", async () => {
    const slow = gate();
    const { pod, sessions, clock } = fixture({ ...times, save: () => slow.passed });
    await sessions.use("alice", increment);
    await clock.advance(1000);
    const wanted = sessions.use("alice", increment);
    await clock.advance(0);
    slow.open();
    expect(await wanted).toBe(2);
    expect(pod.removed).toEqual([]);
    expect(sessions.size).toBe(1);
  });

  test("that is lost while it is saved is gone, and its link is left alone", async () => {
    let told: AbortSignal | undefined;
    const { pod, sessions, clock } = fixture({
      ...times,
      save: (_uid, _state, { signal }) => {
        told = signal;
        return new Promise(() => undefined);
      },
    });
    await sessions.use("alice", increment);
    await clock.advance(1000);
    pod.end("alice", "lost");
    expect(told?.aborted).toBe(true);
    await clock.advance(0);
    expect(pod.removed).toEqual([]);
    expect(sessions.size).toBe(0);
  });

  test("that can't be saved stays, and the next sweep tries again", async () => {
    let fails = true;
    const logger = recordingLogger();
    const { sessions, clock, pod } = fixture({
      ...times,
      logger,
      save: () => (fails ? Promise.reject(new Error("disk full")) : undefined),
    });
    await sessions.use("alice", increment);
    await clock.advance(1000);
    expect(sessions.size).toBe(1);
    expect(logger.entries.map(({ message }) => message)).toEqual([
      "a session could not be saved",
      "an idle session could not be let go",
    ]);
    fails = false;
    await clock.advance(100);
    expect(sessions.size).toBe(0);
    expect(sessions.read()).toMatchObject({ saves: 1, saveFailures: 1 });
    expect(pod.removed).toEqual([["alice", 0]]);
  });

  test("whose fence is refused is dropped unsaved, and its link is left alone", async () => {
    const { pod, sessions, clock } = fixture({
      ...times,
      save: () => {
        throw new FenceRefused("700");
      },
    });
    await sessions.use("alice", increment);
    await clock.advance(1000);
    expect(sessions.size).toBe(0);
    expect(pod.removed).toEqual([]);
  });

  test("whose link can't be removed is logged, and gone", async () => {
    const logger = recordingLogger();
    const { pod, sessions, clock } = fixture({ ...times, logger });
    pod.whileRemoving = () => Promise.reject(new Error("the store is away"));
    await sessions.use("alice", increment);
    await clock.advance(1000);
    expect(sessions.size).toBe(0);
    expect(logger.entries).toMatchObject([{ fields: { error: "the store is away" } }]);
  });
});

describe("the sweep", () => {
  test("is one timer for all sessions, and none without sessions", async () => {
    const { sessions, clock } = fixture(times);
    expect(clock.pendingTimers).toBe(0);
    for (let user = 0; user < 50; user += 1) await sessions.use(`user-${user}`, increment);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(1100);
    expect(sessions.size).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  test("doesn't begin anew while one still saves", async () => {
    let saves = 0;
    const { sessions, clock } = fixture({
      ...times,
      saveTimeoutMs: 10_000,
      save: () => {
        saves += 1;
        return new Promise(() => undefined);
      },
    });
    await sessions.use("alice", increment);
    await clock.advance(5000);
    expect(saves).toBe(1);
  });
});
