import type { Successor } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { expect, test } from "vitest";
import { FAST, granted, NAMESPACE, SERVICE, settled, world } from "./support/world.ts";

const rowsOf = async ({ store }: ReturnType<typeof world>) => (await store.readPods(NAMESPACE, SERVICE)).rows;

test("fault 11: the pod is registered and has reported when start resolves, not a period later", async () => {
  const w = world();
  const { driver } = w.pod(0);
  await settled(w.clock, driver.start());
  const [row] = await rowsOf(w);
  expect(row).toMatchObject({ podIndex: 0, incarnation: driver.identity?.incarnation, reportNumber: 1 });
  expect(driver.state.phase).toBe("running");
});

test("the pod is Pending until the application says ready, and that is reported at once", async () => {
  const w = world();
  const { driver } = w.pod(0);
  await settled(w.clock, driver.start());
  expect((await rowsOf(w))[0]).toMatchObject({ serviceState: "Pending" });
  expect(await driver.guard("ann")).toMatchObject({ ok: false, reason: "unavailable" });
  driver.ready();
  await w.clock.advance(0);
  expect((await rowsOf(w))[0]).toMatchObject({ serviceState: "Ready", routingState: "Ready" });
  expect(driver.getServiceState()).toBe("Ready");
});

test("a pod that follows a crashed process waits for one lease of the old row, as Pending", async () => {
  const w = world();
  const old = await w.running(0);
  await settled(w.clock, old.driver.guard("ann"));
  await old.driver.close();
  const { driver, line } = w.pod(0);
  await settled(w.clock, driver.start());
  driver.ready();
  expect(driver.state.phase).toBe("waiting");
  await w.clock.advance(999);
  expect((await rowsOf(w))[0]).toMatchObject({ serviceState: "Pending", incarnation: driver.identity?.incarnation });
  expect(await driver.guard("ann")).toMatchObject({ ok: false, reason: "unavailable", retryAfterMs: 1 });
  expect(line.operations.setIfAbsent).toBe(0);
  await w.clock.advance(1);
  expect((await rowsOf(w))[0]).toMatchObject({ serviceState: "Ready" });
  granted(await settled(w.clock, driver.guard("ann")));
});

test("takeOver now claims at once", async () => {
  const w = world();
  const old = await w.running(0);
  await old.driver.close();
  const { driver } = await w.running(0, { takeOver: "now" });
  granted(await settled(w.clock, driver.guard("ann")));
});

test("a pod that follows a goodbye claims at once", async () => {
  const w = world();
  const old = await w.running(0);
  await settled(w.clock, old.driver.stop(), 1000);
  const { driver } = await w.running(0);
  granted(await settled(w.clock, driver.guard("ann")));
});

test("the first answer counts: registering again doesn't begin the wait anew", async () => {
  const w = world();
  const old = await w.running(0);
  await old.driver.close();
  const { driver } = await w.running(0);
  await w.clock.advance(1000);
  granted(await settled(w.clock, driver.guard("ann")));
  w.clock.jumpWall(500); // fenced, and registered again
  await w.clock.advance(100);
  expect(driver.state.phase).toBe("running");
  granted(await settled(w.clock, driver.guard("ann")));
});

test("a store that repeats the wait with every answer delays nobody twice", async () => {
  const w = world();
  const { driver, line } = w.pod(0);
  const register = line.store.register.bind(line.store);
  line.store.register = async (registration, call) => {
    const answer = await register(registration, call);
    return answer.registered ? { ...answer, claimAfterMs: 1000 } : answer;
  };
  await driver.start();
  driver.ready();
  await w.clock.advance(1000);
  granted(await settled(w.clock, driver.guard("ann")));
  w.store.flushAll();
  await w.clock.advance(50);
  granted(await settled(w.clock, driver.guard("ann")));
});

test("registering again during the wait doesn't cut it short", async () => {
  const w = world();
  const old = await w.running(0);
  await old.driver.close();
  const { driver } = await w.running(0);
  const first = driver.identity?.incarnation;
  await w.clock.advance(500);
  w.clock.jumpWall(500);
  await w.clock.advance(200);
  expect(driver.identity?.incarnation).toBeGreaterThan(first ?? 0);
  expect(await driver.guard("ann")).toMatchObject({ ok: false, reason: "unavailable" });
});

test("a registration whose reply was lost is adopted", async () => {
  const w = world();
  const { driver, line } = w.pod(0);
  let lost = false;
  line.on("register", () => {
    if (!lost) line.dropReplies(1);
    lost = true;
  });
  await expect(driver.start()).rejects.toMatchObject({ code: "TIMEOUT" });
  const [row] = await rowsOf(w);
  await w.clock.advance(FAST.heartbeatIntervalMs);
  expect(driver.identity?.incarnation).toBe(row?.incarnation);
  expect(line.calls.register).toBe(2);
});

test("with the store down, start rejects in time and goes on by itself", async () => {
  const w = world();
  const { driver, line } = w.pod(0);
  line.hang();
  const starting = expect(driver.start()).rejects.toMatchObject({ code: "TIMEOUT" });
  await w.clock.advance(400);
  await starting;
  expect(driver.guard("ann")).toMatchObject({ ok: false, reason: "unavailable" });
  line.heal();
  await w.clock.advance(200);
  expect(driver.state.phase).toBe("running");
});

test("two of a kind: the newer registration wins, and the older one learns it by push", async () => {
  const w = world();
  const older = await w.running(0);
  const signal = granted(await settled(w.clock, older.driver.guard("ann"))).signal;
  const newer = await w.running(0);
  expect(older.driver.state.phase).toBe("superseded");
  expect(signal.aborted).toBe(true);
  expect(older.periods.at(-1)).toMatchObject({ kind: "ended", reason: "superseded" });
  expect(older.driver.guard("ann")).toEqual({ ok: false, reason: "stopped" });
  expect(newer.driver.state.phase).toBe("waiting");
  expect(older.observer.events.map(({ kind }) => kind)).toContain("superseded");
  await expect(older.driver.start()).rejects.toMatchObject({ code: "SUPERSEDED" });
});

test("two of a kind: news of an older registration that comes late ends nobody", async () => {
  const w = world();
  const { driver, line } = w.pod(0);
  let tell!: (successor: Successor) => void;
  line.store.watchSuccessors = (_namespace, _service, _podIndex, listener) => {
    tell = listener;
    return { close: () => undefined };
  };
  await driver.start();
  const { incarnation } = driver.identity!;
  tell({ life: "older", incarnation: incarnation - 1 });
  expect(driver.state.phase).toBe("running");
  tell({ life: "newer", incarnation: incarnation + 1 });
  expect(driver.state.phase).toBe("superseded");
});

test("two of a kind: without the push the older one learns it at its next report", async () => {
  const w = world();
  const older = await w.running(0);
  older.line.dropPushes(100);
  await w.running(0);
  expect(older.driver.state.phase).toBe("running");
  await w.clock.advance(FAST.heartbeatIntervalMs);
  expect(older.driver.state.phase).toBe("superseded");
});

test("a superseded pod stops for good, leaves no timer, and its stop says no goodbye", async () => {
  const w = world();
  const older = await w.running(0);
  const newer = await w.running(0);
  older.line.resetCounts();
  await settled(w.clock, older.driver.stop(), 0);
  expect(older.line.calls.leave).toBe(0);
  expect(older.driver.state.phase).toBe("superseded");
  await newer.driver.close();
  expect(w.clock.pendingTimers).toBe(0);
});

test("a report answered gone registers again under a higher incarnation, and the held uids are claimed again", async () => {
  const w = world();
  const { driver, periods } = await w.running(0);
  const before = granted(await settled(w.clock, driver.guard("ann"))).link;
  w.store.flushAll();
  await w.clock.advance(150);
  expect(driver.identity?.incarnation).toBeGreaterThan(before.incarnation ?? 0);
  expect(driver.isHeld("ann")).toBe(true);
  expect(periods.map((event) => [event.kind, "reason" in event ? event.reason : ""])).toEqual([
    ["taken", ""],
    ["ended", "fenced"],
    ["taken", ""],
  ]);
  const after = granted(await settled(w.clock, driver.guard("ann"))).link;
  expect(Number(after.token)).toBeGreaterThan(Number(before.token));
});

test("a claim answered superseded although reports are accepted registers again with that incarnation as floor", async () => {
  const w = world();
  const { driver } = await w.running(0);
  const incarnation = (driver.identity?.incarnation ?? 0) + 1_000_000;
  const key = { namespace: NAMESPACE, service: SERVICE, uid: "ann" };
  await w.store.execute({ kind: "set", ...key, owner: { podIndex: 0, incarnation }, lifetime: "persistent" });
  expect(await settled(w.clock, driver.guard("ann"))).toEqual({ ok: false, reason: "stopped" });
  await w.clock.advance(10);
  expect(driver.identity?.incarnation).toBeGreaterThan(incarnation);
  granted(await settled(w.clock, driver.guard("ann")));
});

test("two processes that start at once: one goes on, the other is superseded", async () => {
  const w = world();
  const [a, b] = [w.pod(0), w.pod(0)];
  const results = await settled(w.clock, Promise.allSettled([a.driver.start(), b.driver.start()]), 200);
  const phases = [a.driver.state.phase, b.driver.state.phase].toSorted();
  expect(phases).toContain("superseded");
  expect(results.some(({ status }) => status === "fulfilled")).toBe(true);
});

test.each([
  ["once: it goes on from that", 1, "waiting"],
  ["twice: it is superseded", 2, "superseded"],
] as const)(
  "a first start whose row changes between what was found and its registration, %s",
  async (_, times, phase) => {
    const w = world();
    const register = (life: string, expected?: number) => {
      const name = { namespace: NAMESPACE, service: SERVICE, podIndex: 0 };
      const report = {
        serviceState: "Ready",
        routingState: "Ready",
        loadState: 0,
        loadScore: 0,
        linkCount: 0,
      } as const;
      return w.store.register({
        ...name,
        life,
        takeOver: "now",
        generation: "g",
        report: { ...report, leaseMs: 1000, weight: 1, metadata: {} },
        ...(expected === undefined ? undefined : { expected }),
      });
    };
    await register("before");
    const { driver, line } = w.pod(0);
    let changes = 0;
    line.on("register", async () => {
      if (line.calls.register === 1 || changes === times) return;
      changes += 1;
      await register(`between-${changes}`, (await rowsOf(w))[0]?.incarnation);
    });
    await settled(
      w.clock,
      driver.start().catch(() => undefined),
    );
    expect(driver.state.phase).toBe(phase);
    expect(line.calls.register).toBe(3);
    await driver.close();
  },
);

test("init asks the store whether it answers, and registers nothing", async () => {
  const w = world();
  const { driver, line } = w.pod(0);
  await driver.init();
  expect(await rowsOf(w)).toEqual([]);
  line.hang();
  const asked = expect(driver.init()).rejects.toMatchObject({ code: "TIMEOUT" });
  await w.clock.advance(FAST.commandTimeoutMs);
  await asked;
  await expect(driver.init({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "CANCELLED" });
  await expect(driver.init({ timeoutMs: -1 })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("a stopped pod does not start again", async () => {
  const w = world();
  const { driver } = w.pod(0);
  await driver.stop();
  await expect(driver.start()).rejects.toSatisfy((error) => RouteError.is(error) && error.code === "CLOSED");
});

test("a lease that a heartbeat finds over is given up once and registered once", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  await settled(w.clock, driver.guard("ann"));
  line.resetCounts();
  w.clock.jumpWall(FAST.leaseMarginMs + 1); // nobody asks before the next beat
  await w.clock.advance(FAST.heartbeatIntervalMs + 10);
  expect(line.calls.register).toBe(1);
  expect(driver.read()).toMatchObject({ fenced: 1, registrations: 2, held: 1 });
});
