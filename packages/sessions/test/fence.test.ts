import { describe, expect, test } from "vitest";
import { createSessions, FenceRefused } from "../src/index.ts";
import { FakePod } from "./fake-pod.ts";
import type { Counter } from "./fixture.ts";
import { fixture, gate } from "./fixture.ts";

const increment = (state: Counter): number => ++state.count;

/** A storage that has seen a token: refuses lower ones. */
const seen =
  (token: number) =>
  (_uid: string, { fence }: { fence: { token: string } }) => {
    if (Number(fence.token) <= token) throw new FenceRefused(String(token));
    return { count: 40 };
  };

describe("a refused fence", () => {
  test("at the load: the uid is claimed above the token and loaded again, once for all who wait", async () => {
    const { pod, sessions } = fixture({ load: seen(500) });
    const counts = await Promise.all([1, 2, 3].map(() => sessions.use("alice", increment)));
    expect(counts.toSorted((a, b) => a - b)).toEqual([41, 42, 43]);
    expect(pod.claims).toEqual(["500"]);
    expect(pod.tokenOf("alice")).toBe("501");
    expect(sessions.read()).toMatchObject({ loads: 2 });
  });

  test("in a use: the state is loaded anew and the use runs again on it", async () => {
    let storage = { token: 0, count: 0 };
    const pod = new FakePod();
    const sessions = createSessions<Counter>(pod, {
      load: (_uid, { fence }) => {
        if (Number(fence.token) <= storage.token) throw new FenceRefused(String(storage.token));
        storage = { ...storage, token: Number(fence.token) };
        return { count: storage.count };
      },
    });
    const write = (state: Counter, { fence }: { fence: { token: string } }): number => {
      if (Number(fence.token) < storage.token) throw new FenceRefused(String(storage.token));
      storage = { ...storage, count: state.count + 1 };
      return (state.count = storage.count);
    };
    expect(await sessions.use("alice", write)).toBe(1);
    storage = { token: 9000, count: 77 }; // another pod with a higher token was there
    const counts = await Promise.all([sessions.use("alice", write), sessions.use("alice", write)]);
    expect(counts.toSorted((a, b) => a - b)).toEqual([78, 79]);
    expect(pod.claims).toEqual(["9000"]);
    await sessions.close();
  });

  test("drops the session even when the uid can't be claimed now: the next use loads", async () => {
    const { pod, sessions, calls } = fixture();
    const claim = pod.claimAgain;
    pod.claimAgain = async () => ({ ok: false, reason: "unavailable" });
    const refused = sessions.use("alice", () => {
      throw new FenceRefused("300");
    });
    await expect(refused).rejects.toMatchObject({ code: "POD_UNAVAILABLE" });
    pod.claimAgain = claim;
    expect(await sessions.use("alice", increment)).toBe(1);
    expect(calls).toEqual(["load alice 101", "load alice 101"]);
  });

  test("whose claim hangs ends after waitMs", async () => {
    const { pod, sessions, clock } = fixture({ load: seen(500), waitMs: 200 });
    pod.claimAgain = () => new Promise(() => undefined);
    const late = expect(sessions.use("alice", increment)).rejects.toMatchObject({ code: "TIMEOUT" });
    await clock.advance(200);
    await late;
  });

  test("in a use inside a use reaches the outer one, which runs again", async () => {
    const { pod, sessions } = fixture();
    let runs = 0;
    await sessions.use("alice", () =>
      sessions.use("alice", () => {
        runs += 1;
        if (runs === 1) throw new FenceRefused("300");
      }),
    );
    expect(runs).toBe(2);
    expect(pod.claims).toEqual(["300"]);
  });

  test("is given up after maxClaims", async () => {
    const { pod, sessions } = fixture({
      load: (_uid, { fence }) => {
        throw new FenceRefused(String(Number(fence.token) + 10));
      },
      maxClaims: 2,
    });
    await expect(sessions.use("alice", increment)).rejects.toMatchObject({ code: "POD_UNAVAILABLE" });
    expect(pod.claims).toHaveLength(2);
    expect(pod.running).toBe(0);
  });

  test("of a uid that another pod has by now: NOT_HOLDER with its link", async () => {
    const { pod, sessions } = fixture({ load: seen(500) });
    const link = {
      namespace: "test",
      service: "room",
      uid: "alice",
      podIndex: 2,
      token: "501",
      kind: "owned",
    } as const;
    pod.refusesClaims = { ok: false, reason: "held-by", link };
    await expect(sessions.use("alice", increment)).rejects.toMatchObject({ code: "NOT_HOLDER", link });
  });

  test("answered with a claim that isn't above it fails, it doesn't go round for ever", async () => {
    const { pod, sessions } = fixture({ load: seen(500) });
    const claim = pod.claimAgain;
    pod.claimAgain = (uid) => claim(uid, "0");
    await expect(sessions.use("alice", increment)).rejects.toMatchObject({ code: "INTERNAL" });
  });

  test("is recognised across copies of the package, and names a token", () => {
    expect(FenceRefused.is(new FenceRefused("7"))).toBe(true);
    expect(FenceRefused.is({ [Symbol.for("podlink.FenceRefused")]: true })).toBe(true);
    expect(FenceRefused.is(new Error("7"))).toBe(false);
    expect(FenceRefused.is(undefined)).toBe(false);
    expect(() => new FenceRefused("-1")).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });

  test("while others hold the turn: they are sent to the new period too", async () => {
    let refused = false;
    const { pod, sessions, calls } = fixture();
    const hold = gate();
    const first = sessions.use("alice", async (state) => {
      await hold.passed;
      if (!refused) {
        refused = true;
        throw new FenceRefused("400");
      }
      return increment(state);
    });
    const second = sessions.use("alice", increment);
    await sessions.use("bob", increment);
    hold.open();
    expect((await Promise.all([first, second])).toSorted((a, b) => a - b)).toEqual([1, 2]);
    expect(pod.claims).toEqual(["400"]);
    expect(calls.filter((call) => call.startsWith("load alice"))).toEqual(["load alice 101", "load alice 401"]);
  });
});
