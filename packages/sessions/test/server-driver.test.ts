import { MemoryExecutor } from "@podlink/memory-executor";
import type { ServerDriverOptions } from "@podlink/server-driver";
import { ServerDriver } from "@podlink/server-driver";
import type { FakeClock } from "@podlink/testkit";
import { fakeClock } from "@podlink/testkit";
import { expect, onTestFinished, test } from "vitest";
import type { Sessions, SessionsOptions } from "../src/index.ts";
import { createSessions, FenceRefused } from "../src/index.ts";
import type { Counter } from "./fixture.ts";
import { gate } from "./fixture.ts";

type Peers = ConstructorParameters<typeof ServerDriver>[0]["routes"];

/** A storage with the fence of the README: load and raise, then write by token and holder. */
class Storage {
  readonly rows = new Map<string, { token: string; holder: string; count: number }>();

  load = (uid: string, { fence }: { fence: { token: string; holder: string } }): Counter => {
    const row = this.rows.get(uid);
    if (row !== undefined && Number(row.token) >= Number(fence.token) && row.holder !== fence.holder) {
      throw new FenceRefused(row.token);
    }
    this.rows.set(uid, { count: row?.count ?? 0, ...fence });
    return { count: row?.count ?? 0 };
  };

  save = (uid: string, { count }: Counter, { fence }: { fence: { token: string; holder: string } }): void => {
    const row = this.rows.get(uid);
    if (row?.token !== fence.token || row.holder !== fence.holder) throw new FenceRefused(row?.token ?? fence.token);
    this.rows.set(uid, { ...fence, count });
  };
}

interface TestPod {
  readonly driver: ServerDriver;
  readonly sessions: Sessions<Counter>;
}

/** Pods over one real memory store, with real drivers; pod 1 is where pod 0 may move its users to. */
function pods(
  count: number,
  options: Partial<SessionsOptions<Counter>> = {},
): Promise<[FakeClock, Storage, TestPod[]]> {
  const clock = fakeClock();
  const store = new MemoryExecutor({ clock });
  const storage = new Storage();
  const times: Partial<ServerDriverOptions> = {
    heartbeatIntervalMs: 100,
    leaseMs: 1000,
    leaseMarginMs: 100,
    commandTimeoutMs: 50,
    propagationMs: 200,
    handOffTimeoutMs: 500,
    notReadyHandOverMs: 3000,
    verifyIntervalMs: 1000,
  };
  const join = async (podIndex: number): Promise<TestPod> => {
    const reading = () => store.readPods("test", "room");
    let rows: Awaited<ReturnType<typeof reading>>["rows"] = [];
    const refresh = async (): Promise<void> => void (rows = (await reading()).rows);
    const others = () => rows.filter((row) => row.routingState === "Ready" && row.serviceState === "Ready");
    const routes: Peers = {
      follow: () => ({
        best: ({ except } = {}) => others().flatMap((row) => (row.podIndex === except ? [] : [{ row }]))[0],
        cache: { pods: () => rows.map((row) => ({ row, alive: true, available: true })), refresh },
        close: () => undefined,
      }),
    };
    const driver = new ServerDriver(
      { store, routes, clock },
      { ...times, namespace: "test", service: "room", podIndex },
    );
    const sessions = createSessions<Counter>(driver, { load: storage.load, save: storage.save, clock, ...options });
    onTestFinished(async () => {
      await driver.close();
      await sessions.close();
    });
    const started = driver.start();
    await clock.advance(0);
    await started;
    driver.ready();
    return { driver, sessions };
  };
  return (async () => {
    const joined: TestPod[] = [];
    for (let podIndex = 0; podIndex < count; podIndex += 1) joined.push(await join(podIndex));
    await clock.advance(100);
    return [clock, storage, joined];
  })();
}

const increment = (state: Counter): number => ++state.count;

test("a use claims the uid, and another pod's use is refused with its link", async () => {
  const [, , [a, b]] = await pods(2);
  expect(await a?.sessions.use("alice", increment)).toBe(1);
  await expect(b?.sessions.use("alice", increment)).rejects.toMatchObject({
    code: "NOT_HOLDER",
    link: { podIndex: 0, kind: "owned" },
  });
});

test("a stop saves every session and the next pod goes on with it", async () => {
  const [clock, storage, [a, b]] = await pods(2);
  for (let user = 0; user < 20; user += 1) await a?.sessions.use(`user-${user}`, increment);
  const stopped = a?.driver.stop();
  await clock.advance(2000);
  await stopped;
  expect(storage.rows.size).toBe(20);
  for (let user = 0; user < 20; user += 1) expect(await b?.sessions.use(`user-${user}`, increment)).toBe(2);
  await expect(a?.sessions.use("user-0", increment)).rejects.toMatchObject({
    code: "NOT_HOLDER",
    link: { podIndex: 1 },
  });
});

test("a stop waits for the use that runs, and saves what it did", async () => {
  const [clock, , [a, b]] = await pods(2);
  const hold = gate();
  const running = a?.sessions.use("alice", async (state) => {
    await hold.passed;
    return increment(state);
  });
  await clock.advance(0);
  const stopped = a?.driver.stop();
  await clock.advance(250);
  hold.open();
  expect(await running).toBe(1);
  await clock.advance(1000);
  await stopped;
  expect(await b?.sessions.use("alice", increment)).toBe(2);
});

test("a use that hangs keeps the drain no longer than handOffTimeoutMs", async () => {
  const [clock, , [a, b]] = await pods(2);
  let aborted = false;
  const hanging = a?.sessions.use("alice", async (state, { signal }) => {
    increment(state);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    aborted = true;
  });
  const waiting = a?.sessions.use("alice", increment).catch((error: unknown) => error);
  await clock.advance(0);
  const stopped = a?.driver.stop();
  await clock.advance(200 + 500);
  expect(aborted).toBe(true);
  expect(await waiting).toMatchObject({ code: expect.stringMatching(/NOT_HOLDER|POD_UNAVAILABLE/) });
  await clock.advance(500);
  await Promise.all([hanging, stopped]);
  expect(await b?.sessions.use("alice", increment)).toBe(2); // with what the hanging one had changed
});

test("an idle session gives its link back: any pod may have the uid next", async () => {
  const [clock, , [a, b]] = await pods(2, { idleMs: 500, sweepMs: 100 });
  await a?.sessions.use("alice", increment);
  await clock.advance(600);
  expect(a?.sessions.size).toBe(0);
  expect(a?.driver.held()).toBe(0);
  expect(await b?.sessions.use("alice", increment)).toBe(2);
});

test("a fence that the storage refuses is claimed above", async () => {
  const [, storage, [a]] = await pods(1);
  await a?.sessions.use("alice", increment);
  await a?.sessions.release("alice");
  const token = String(Number(storage.rows.get("alice")?.token) + 5000);
  storage.rows.set("alice", { token, holder: "3.1", count: 70 });
  expect(
    await a?.sessions.use("alice", (state, { fence }) => [increment(state), Number(fence.token) > Number(token)]),
  ).toEqual([71, true]);
});

test("a pod that was fenced loads again: what it had is not served, nor saved", async () => {
  const [clock, storage, [a]] = await pods(1);
  await a?.sessions.use("alice", increment);
  const before = storage.rows.get("alice")?.token;
  clock.jumpWall(60_000); // the machine slept
  await expect(a?.sessions.use("alice", increment)).rejects.toMatchObject({ code: "POD_UNAVAILABLE" });
  await clock.advance(2000);
  expect(await a?.sessions.use("alice", increment)).toBe(1);
  expect(Number(storage.rows.get("alice")?.token)).toBeGreaterThan(Number(before));
});

test("in all this no uid is served twice: uses at two pods never run at once", async () => {
  const [clock, , [a, b]] = await pods(2, { idleMs: 200, sweepMs: 50 });
  const running = new Map<string, number>();
  let most = 0;
  const use = async (pod: TestPod | undefined, uid: string): Promise<void> => {
    await pod?.sessions
      .use(uid, async () => {
        running.set(uid, (running.get(uid) ?? 0) + 1);
        most = Math.max(most, running.get(uid) ?? 0);
        await Promise.resolve();
        running.set(uid, (running.get(uid) ?? 0) - 1);
      })
      .catch(() => undefined);
  };
  const uses: Promise<void>[] = [];
  for (let round = 0; round < 40; round += 1) {
    for (const uid of ["x", "y", "z"]) uses.push(use(a, uid), use(b, uid));
    await clock.advance(round % 7 === 0 ? 300 : 10);
  }
  await Promise.all(uses);
  expect(most).toBe(1);
});
