import { expect, test } from "vitest";
import { ask, FAST, granted, NAMESPACE, SERVICE, settled, world } from "./support/world.ts";

const row = async (w: ReturnType<typeof world>, podIndex = 0) =>
  (await w.store.readPods(NAMESPACE, SERVICE)).rows.find((found) => found.podIndex === podIndex);

test("fault 9: what a pod reports is what a reader gets", async () => {
  const w = world();
  const described = {
    address: { host: "10.0.0.7", httpPort: 3000 },
    weight: 2,
    zone: "b",
    version: "1.2.3",
    metadata: { pid: "77" },
    cpuFactor: 0,
  };
  const { driver } = await w.running(0, described);
  driver.setLoadState(40);
  driver.setRoutingState("DenyNewCall");
  await settled(w.clock, driver.guard("ann"));
  await w.clock.advance(FAST.heartbeatIntervalMs);
  const { cpuFactor: _, ...sent } = described;
  expect(await row(w)).toMatchObject({
    ...sent,
    serviceState: "Ready",
    routingState: "DenyNewCall",
    loadState: 40,
    loadScore: 40,
    linkCount: 1,
    leaseMs: FAST.leaseMs,
  });
  expect([driver.getLoadState(), driver.getRoutingState()]).toEqual([40, "DenyNewCall"]);
});

test("fault 10: a pod that stops reporting holds nothing any more when its readers give it up, and before", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  granted(await settled(w.clock, driver.guard("ann")));
  const { reportedAtMs = 0 } = (await row(w)) ?? {};
  line.cut();
  while (driver.isHeld("ann")) await w.clock.advance(10);
  const silentForMs = w.clock.wallMs() - reportedAtMs;
  expect(silentForMs).toBeLessThanOrEqual(FAST.leaseMs - FAST.leaseMarginMs + 10);
});

test("a report goes out every heartbeat, and none after stop", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  line.resetCounts();
  await w.clock.advance(10 * FAST.heartbeatIntervalMs);
  expect(line.calls.report).toBe(10);
  await settled(w.clock, driver.stop(), 1000);
  line.resetCounts();
  await w.clock.advance(1000);
  expect(line.totalCalls).toBe(0);
});

test("a change of service state, routing state or address is reported at once", async () => {
  const w = world();
  const { driver } = await w.running(0);
  driver.setServiceState("NotReady");
  await w.clock.advance(0);
  expect((await row(w))?.serviceState).toBe("NotReady");
  driver.setRoutingState("DenyNewCall");
  await w.clock.advance(0);
  expect((await row(w))?.routingState).toBe("DenyNewCall");
  driver.setAddress({ host: "h", httpPort: 1 });
  await w.clock.advance(0);
  expect((await row(w))?.address).toEqual({ host: "h", httpPort: 1 });
});

test("crossing the overload score is reported at once, a smaller change with the next heartbeat", async () => {
  const w = world();
  const { driver, line } = await w.running(0, { cpuFactor: 0, overloadScore: 90, loadCapacity: 10 });
  line.resetCounts();
  driver.setLoadState(8);
  await w.clock.advance(0);
  expect(line.calls.report).toBe(0);
  driver.setLoadState(9);
  await w.clock.advance(0);
  expect(line.calls.report).toBe(1);
  driver.setLoadState(0);
  await w.clock.advance(0);
  expect(line.calls.report).toBe(2);
});

test("changes while a report is under way share the next one, which tells the last of them", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  line.resetCounts();
  line.delay(20);
  driver.setServiceState("NotReady");
  driver.setServiceState("Ready");
  driver.setRoutingState("DenyNewCall");
  await w.clock.advance(45);
  expect(line.calls.report).toBe(2);
  expect(await row(w)).toMatchObject({ serviceState: "Ready", routingState: "DenyNewCall" });
});

test.each(["Failed", "Shutdown"] as const)(
  "%s closes the guard and aborts its signals before it is reported",
  async (said) => {
    const w = world();
    const { driver, line, periods } = await w.running(0);
    const { signal } = granted(await settled(w.clock, driver.guard("ann")));
    let closedBefore = false;
    line.on("report", () => {
      closedBefore = signal.aborted && !driver.isHeld("ann");
    });
    if (said === "Failed") driver.setServiceState(said);
    else driver.setRoutingState(said);
    expect(driver.guard("ann")).toEqual({ ok: false, reason: "stopped" });
    await w.clock.advance(0);
    expect(closedBefore).toBe(true);
    expect(periods.at(-1)).toMatchObject({ kind: "ended", reason: "stopped" });
    const told = await row(w);
    expect([told?.serviceState, told?.routingState]).toContain(said);
  },
);

test("a pod that was Failed and is Ready again claims anew", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  await settled(w.clock, driver.guard("ann"));
  driver.setServiceState("Failed");
  line.resetCounts();
  driver.setServiceState("Ready");
  expect(driver.guard("ann")).toMatchObject({ ok: false, reason: "fenced" }); // it registers again first
  await w.clock.advance(0);
  granted(await settled(w.clock, driver.guard("ann")));
  expect(line.operations.setIfAbsent).toBe(1);
});

test("states that nobody may set are refused", () => {
  const { driver } = world().pod(0);
  expect(() => driver.setServiceState("Terminating" as "Ready")).toThrow(/serviceState must be/);
  expect(() => driver.setRoutingState("Unknown" as "Ready")).toThrow(/routingState must be/);
  expect(() => driver.setLoadState(-1)).toThrow(/loadState must be/);
  expect(() => driver.setLoadState(Number.NaN)).toThrow(/loadState must be/);
  expect(() => driver.setAddress({ host: "a b" })).toThrow(/address.host must be/);
});

test("fault 13: every change of state reaches every listener, in order; one that throws harms nobody", async () => {
  const w = world();
  const { driver, states } = w.pod(0);
  driver.onState(() => {
    throw new Error("mine");
  });
  const heard: string[] = [];
  const subscription = driver.onState(({ phase, serviceState }) => heard.push(`${phase}/${serviceState}`));
  await settled(w.clock, driver.start());
  driver.ready();
  await w.clock.advance(0);
  driver.setServiceState("NotReady");
  subscription.close();
  driver.setServiceState("Ready");
  expect(heard).toEqual(["running/Pending", "running/Ready", "running/NotReady"]);
  expect(states.at(-1)?.serviceState).toBe("Ready");
});

test.each(["Failed", "Shutdown"] as const)(
  "a pod back from %s holds nothing under a token that callers were free to replace meanwhile",
  async (said) => {
    const w = world();
    const pod = await w.running(0);
    const other = await w.running(1);
    const before = granted(await settled(w.clock, ask(pod, "ann"))).link;
    if (said === "Failed") pod.driver.setServiceState(said);
    else pod.driver.setRoutingState(said);
    await w.clock.advance(0);
    // Here a caller reads that state and sends its replacement, which is late.
    pod.driver.ready();
    pod.driver.setRoutingState("Ready");
    await w.clock.advance(10);
    const after = granted(await settled(w.clock, ask(pod, "ann"))).link;
    pod.line.dropPushes(1);
    const key = { namespace: NAMESPACE, service: SERVICE, uid: "ann" };
    const late = { expectedToken: before.token, owner: { podIndex: 1 }, lifetime: { ttlMs: 60_000 } } as const;
    await w.store.execute({ kind: "replace", ...key, ...late });
    expect(await settled(w.clock, ask(other, "ann"))).toMatchObject({ ok: false, reason: "held-by", link: after });
    expect(pod.driver.isHeld("ann")).toBe(true);
  },
);
