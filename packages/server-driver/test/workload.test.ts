import { expect, test } from "vitest";
import { FAST, NAMESPACE, SERVICE, world } from "./support/world.ts";

const stateOf = async (w: ReturnType<typeof world>) =>
  (await w.store.workloadStates(NAMESPACE, [SERVICE])).get(SERVICE);

test("fault 12: the workload state is derived from the pods, and can be Ready", async () => {
  const w = world();
  const first = await w.running(0, { workload: { minReady: 2 } });
  await w.clock.advance(FAST.heartbeatIntervalMs);
  expect(await stateOf(w)).toBe("Pending");
  await w.running(1, { workload: { minReady: 2 } });
  await w.clock.advance(2 * FAST.heartbeatIntervalMs);
  expect(await stateOf(w)).toBe("Ready");
  first.driver.setServiceState("NotReady");
  await w.clock.advance(FAST.heartbeatIntervalMs);
  expect(await stateOf(w)).toBe("Pending");
});

test("the lowest alive pod writes it, and no other", async () => {
  const w = world();
  const zero = await w.running(0);
  const one = await w.running(1);
  await w.clock.advance(FAST.heartbeatIntervalMs);
  one.line.resetCounts();
  zero.line.resetCounts();
  await w.clock.advance(10 * FAST.heartbeatIntervalMs);
  expect(zero.line.calls.setWorkloadState).toBe(10);
  expect(one.line.calls.setWorkloadState).toBe(0);
  await zero.driver.close();
  await w.clock.advance(FAST.leaseMs + FAST.heartbeatIntervalMs);
  expect(one.line.calls.setWorkloadState).toBeGreaterThan(0);
});

test("a report beside the beats writes it only when this pod itself has changed", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  await w.clock.advance(FAST.heartbeatIntervalMs);
  line.resetCounts();
  driver.setRoutingState("DenyNewCall");
  await w.clock.advance(1);
  expect(line.calls).toMatchObject({ report: 1, setWorkloadState: 0 });
  driver.setServiceState("NotReady");
  await w.clock.advance(1);
  expect(line.calls).toMatchObject({ report: 2, setWorkloadState: 1 });
  expect(await stateOf(w)).toBe("Pending");
});

test("a pod that was Failed for less than half a beat writes anew: another one has written meanwhile", async () => {
  const w = world();
  const { driver } = await w.running(0);
  const one = await w.running(1);
  await w.clock.advance(FAST.heartbeatIntervalMs);
  expect(await stateOf(w)).toBe("Ready");
  driver.setServiceState("Failed");
  await w.clock.advance(1);
  one.driver.setServiceState("NotReady"); // it has changed, and of those alive it is the lowest
  await w.clock.advance(1);
  expect(await stateOf(w)).toBe("Pending");
  driver.setServiceState("Ready");
  await w.clock.advance(1);
  expect(await stateOf(w)).toBe("Ready");
});

test("a store that lost its data is told the workload state with the new registration", async () => {
  const w = world();
  await w.running(0);
  await w.clock.advance(FAST.heartbeatIntervalMs);
  expect(await stateOf(w)).toBe("Ready");
  w.store.flushAll();
  expect(await stateOf(w)).toBeUndefined();
  await w.clock.advance(1);
  expect(await stateOf(w)).toBe("Ready");
});

test("it expires with the lease", async () => {
  const w = world();
  const { driver } = await w.running(0);
  await w.clock.advance(FAST.heartbeatIntervalMs);
  await driver.close();
  await w.clock.advance(FAST.leaseMs - 200);
  expect(await stateOf(w)).toBe("Ready");
  await w.clock.advance(300);
  expect(await stateOf(w)).toBeUndefined();
});
