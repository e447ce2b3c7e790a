import type { EndReason } from "@podlink/server-driver";
import { describe, expect, test } from "vitest";
import type { Counter } from "./fixture.ts";
import { fixture, gate } from "./fixture.ts";

const increment = (state: Counter): number => ++state.count;

describe("a period that was taken away", () => {
  test.each<EndReason>(["lost", "fenced", "superseded", "handed-off"])(
    "takes its session along, unsaved: %s",
    async (reason) => {
      const { pod, sessions, calls } = fixture();
      await sessions.use("alice", increment);
      pod.end("alice", reason);
      expect(sessions.size).toBe(0);
      await sessions.close();
      expect(calls).toEqual(["load alice 101"]);
    },
  );

  test("is never continued: a new token is a new period and loads again", async () => {
    const { pod, sessions, calls } = fixture();
    await sessions.use("alice", increment);
    pod.end("alice", "lost");
    expect(await sessions.use("alice", increment)).toBe(1);
    expect(calls).toEqual(["load alice 101", "load alice 102"]);
  });

  test("without a word from the pod is found by its token: nothing is used, handed over or saved for another", async () => {
    const { pod, sessions, calls } = fixture();
    await sessions.use("alice", increment);
    const enter = pod.enter.bind(pod);
    pod.enter = (uid, request) => {
      const entry = enter(uid, request);
      return entry.ok ? { ...entry, link: { ...entry.link, token: "777" } } : entry;
    };
    expect(await sessions.use("alice", increment)).toBe(1);
    await pod.handOff("alice"); // of the period with token 101
    expect(calls).toEqual(["load alice 101", "load alice 777"]);
  });

  test("aborts the signal of the use that runs, and those that wait run in the new period", async () => {
    const { pod, sessions, calls } = fixture();
    const hold = gate();
    let aborted = false;
    const running = sessions.use("alice", async (state, { signal }) => {
      await hold.passed;
      aborted = signal.aborted;
      state.count = 1000; // of the old period: nobody sees it
    });
    const waiting = sessions.use("alice", increment);
    await sessions.use("bob", increment);
    pod.end("alice", "lost");
    expect(await waiting).toBe(1); // although the one before it still runs
    hold.open();
    await running;
    expect(aborted).toBe(true);
    expect(await sessions.use("alice", increment)).toBe(2);
    expect(calls.filter((call) => call.includes("alice"))).toEqual(["load alice 101", "load alice 103"]);
  });

  test("refuses those that wait when another pod has the uid, and names its link", async () => {
    const { pod, sessions } = fixture();
    const hold = gate();
    const running = sessions.use("alice", () => hold.passed);
    const waiting = sessions.use("alice", increment);
    await sessions.use("bob", increment);
    const link = {
      namespace: "test",
      service: "room",
      uid: "alice",
      podIndex: 1,
      token: "900",
      kind: "owned",
    } as const;
    pod.refuses = { ok: false, reason: "held-by", link };
    pod.end("alice", "lost");
    await expect(waiting).rejects.toMatchObject({ code: "NOT_HOLDER", link, outcome: "not-applied" });
    hold.open();
    await running;
  });

  test("while it loads: what is loaded is not used", async () => {
    const loading = gate();
    let loads = 0;
    const { pod, sessions } = fixture({
      load: async () => {
        loads += 1;
        if (loads === 1) await loading.passed;
        return { count: loads * 10 };
      },
    });
    const use = sessions.use("alice", increment);
    await sessions.use("bob", increment).catch(() => undefined);
    pod.end("alice", "fenced");
    loading.open();
    expect(await use).toBe(31);
  });

  test("that ends again and again gives the use up", async () => {
    const { pod, sessions } = fixture({
      load: (uid) => {
        pod.end(uid, "lost");
        return { count: 0 };
      },
    });
    await expect(sessions.use("alice", increment)).rejects.toMatchObject({ code: "NOT_HOLDER" });
    expect(pod.running).toBe(0);
  });

  test("refuses a use inside a use", async () => {
    const { pod, sessions } = fixture();
    await sessions.use("alice", async () => {
      pod.end("alice", "lost");
      await expect(sessions.use("alice", increment)).rejects.toMatchObject({ code: "NOT_HOLDER" });
    });
  });
});

describe("what the guard refuses", () => {
  test.each([
    ["held-by", "NOT_HOLDER"],
    ["not-me", "NOT_HOLDER"],
    ["fenced", "POD_UNAVAILABLE"],
    ["unavailable", "POD_UNAVAILABLE"],
    ["stopped", "POD_UNAVAILABLE"],
  ] as const)("%s becomes %s, and nothing runs", async (reason, code) => {
    const { pod, sessions, calls } = fixture();
    pod.refuses = { ok: false, reason, retryAfterMs: 70 };
    await expect(sessions.use("alice", increment)).rejects.toMatchObject({ code, retryAfterMs: 70 });
    expect(calls).toEqual([]);
  });

  test("stopped becomes SUPERSEDED when a newer life of the pod is there", async () => {
    const { pod, sessions } = fixture();
    pod.refuses = { ok: false, reason: "stopped" };
    pod.state = { ...pod.state, phase: "superseded" };
    await expect(sessions.use("alice", increment)).rejects.toMatchObject({ code: "SUPERSEDED", retryable: false });
  });

  test("a use that goes on past the lease is told so", async () => {
    const { pod, sessions } = fixture();
    const enter = pod.enter.bind(pod);
    pod.enter = (uid, request) => {
      const entry = enter(uid, request);
      return entry.ok ? { ...entry, fenced: true } : entry;
    };
    expect(await sessions.use("alice", (_, { fenced }) => fenced)).toBe(true);
  });
});
