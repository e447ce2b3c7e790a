import { RedisExecutor } from "@podlink/redis-executor";
import { recordingObserver } from "@podlink/testkit";
import type { RouteErrorCode } from "@podlink/types";
import { RouteError } from "@podlink/types";
import type { ConnectOptions, Podlink } from "podlink";
import { expect, test, vi } from "vitest";
import {
  CLIENT,
  GENEROUS,
  NAMESPACE,
  Place,
  routable,
  SERVER,
  SERVICE,
  settle,
  storedLink,
  TIMES,
} from "../rows/support/pods-place.ts";

// The table of the client driver on a real Redis: who may be moved, when, and for what.

async function observed(place: Place, client: ConnectOptions["client"] = CLIENT) {
  const told = recordingObserver();
  const caller = await place.caller({ client, observer: told });
  return { caller, reasons: () => told.eventsOf("link-replaced").map(({ reason }) => reason) };
}

async function refusal(caller: Podlink, uid: string): Promise<RouteErrorCode | "served"> {
  return caller
    .service(SERVICE)
    .resolve(uid)
    .then(
      () => "served" as const,
      (error: unknown) => RouteError.from(error).code,
    );
}

/** Asks until the user is at that pod; when that was, on the monotonic clock. */
async function moved(caller: Podlink, uid: string, podIndex: number): Promise<number> {
  await vi.waitFor(
    async () => expect(await caller.service(SERVICE).resolve(uid)).toMatchObject({ podIndex }),
    GENEROUS,
  );
  return performance.now();
}

test("a pod that isn't ready keeps its owned links for notReadyHandOverMs and the grace, then callers move them; reservations at once", async () => {
  await using place = await Place.start();
  // The pod itself never comes to hand them over.
  const pod = await place.pod(0, { server: { ...SERVER, notReadyHandOverMs: 60_000 } });
  await place.pod(1);
  const { caller, reasons } = await observed(place, { ...CLIENT, notReadyHandOverMs: 2000 });
  await routable(caller, 2);
  await settle(caller, pod, "owned");
  await caller.client.setLinkedPodIfAbsent({ service: SERVICE, uid: "reserved" }, 0);
  pod.pod.driver.setServiceState("NotReady");
  const saidAtMs = performance.now();
  await vi.waitFor(async () => expect(await refusal(caller, "owned")).toBe("POD_UNAVAILABLE"), GENEROUS);
  await moved(caller, "reserved", 1);
  expect(reasons()).toEqual(["not-available"]);
  expect(await refusal(caller, "owned")).toBe("POD_UNAVAILABLE");
  const movedAtMs = await moved(caller, "owned", 1);
  expect(movedAtMs - saidAtMs).toBeGreaterThanOrEqual(2000 + TIMES.graceMs);
  expect(reasons()).toEqual(["not-available", "not-available"]);
});

test("failover never: the owned links of a silent pod stay, its reservations move", async () => {
  await using place = await Place.start();
  const pod = await place.pod(0);
  await place.pod(1);
  const { caller, reasons } = await observed(place, { ...CLIENT, failover: { mode: "never" } });
  await routable(caller, 2);
  const before = await settle(caller, pod, "owned");
  await caller.client.setLinkedPodIfAbsent({ service: SERVICE, uid: "reserved" }, 0);
  pod.line.add({ fault: "blackhole" });
  await moved(caller, "reserved", 1);
  expect(reasons()).toEqual(["silent"]);
  const untilMs = performance.now() + TIMES.graceMs + TIMES.leaseMs;
  while (performance.now() < untilMs) {
    expect(await refusal(caller, "owned")).toBe("POD_UNAVAILABLE");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(await storedLink(caller, "owned")).toMatchObject({ podIndex: 0, token: before.token });
});

test("a pod that is back and Ready under a higher incarnation inherits its links, under new tokens", async () => {
  await using place = await Place.start();
  const old = await place.pod(0);
  await place.pod(1);
  const { caller, reasons } = await observed(place);
  await routable(caller, 2);
  const before = await settle(caller, old, "ann");
  await old.pod.driver.close(); // as a crash: no goodbye
  const back = await place.pod(0, { server: { ...SERVER, takeOver: "now" } });
  await vi.waitFor(async () => expect(await back.pod.driver.guard("ann")).toMatchObject({ ok: true }), GENEROUS);
  const after = await storedLink(caller, "ann");
  expect(after).toMatchObject({ podIndex: 0, incarnation: back.pod.identity?.incarnation, kind: "owned" });
  expect(Number(after?.token)).toBeGreaterThan(Number(before.token));
  expect(await refusal(caller, "ann")).toBe("served");
  expect(reasons()).toEqual([]);
});

test("a pod that is back but not Ready loses a link once lease and grace of the link's own incarnation are over", async () => {
  await using place = await Place.start();
  const old = await place.pod(0);
  await place.pod(1);
  const { caller, reasons } = await observed(place);
  await routable(caller, 2);
  await settle(caller, old, "ann");
  await old.pod.driver.close();
  const closedAtMs = performance.now();
  await place.pod(0, { isReady: false, server: { ...SERVER, takeOver: "now" } });
  await vi.waitFor(async () => expect(await refusal(caller, "ann")).toBe("POD_UNAVAILABLE"), GENEROUS);
  const movedAtMs = await moved(caller, "ann", 1);
  // Its last proof of life may be as old as what a reading calls not silent.
  expect(movedAtMs - closedAtMs).toBeGreaterThanOrEqual(
    TIMES.leaseMs + TIMES.graceMs - 250 - TIMES.heartbeatIntervalMs,
  );
  expect(reasons()).toEqual(["superseded-holder"]);
});

test("a pod that says Failed has closed its guard before anybody reads it, and its users are moved at once", async () => {
  await using place = await Place.start();
  const pod = await place.pod(0);
  const other = await place.pod(1);
  const { caller, reasons } = await observed(place);
  await routable(caller, 2);
  const link = await settle(caller, pod, "ann");
  const granted = await pod.pod.driver.guard("ann");
  pod.pod.driver.setServiceState("Failed");
  expect(granted.ok && granted.signal.aborted).toBe(true);
  expect(pod.pod.driver.guard("ann")).toMatchObject({ ok: false, reason: "stopped" });
  await moved(caller, "ann", 1);
  expect(reasons()).toEqual(["failed"]);
  expect(await other.pod.driver.guard("ann")).toMatchObject({ ok: true });
  // It takes that back: registered anew, and what it claims from now on has new tokens.
  pod.pod.ready();
  await vi.waitFor(
    async () => expect(await pod.pod.driver.guard("ann")).toMatchObject({ ok: false, reason: "held-by" }),
    GENEROUS,
  );
  expect(Number((await storedLink(caller, "ann"))?.token)).toBeGreaterThan(Number(link.token));
});

test("a link that names a higher life of the pod than any that is registered: the pod registers above it, then claims", async () => {
  await using place = await Place.start();
  const told = recordingObserver();
  const pod = await place.pod(0, { observer: told });
  const { caller } = await observed(place);
  await routable(caller, 1);
  await settle(caller, pod, "ann");
  await using store = new RedisExecutor({ url: place.redis.url });
  const incarnation = (pod.pod.identity?.incarnation ?? 0) + 3_600_000;
  const key = { namespace: NAMESPACE, service: SERVICE, uid: "bob" };
  await store.execute({ kind: "set", ...key, owner: { podIndex: 0, incarnation }, lifetime: "persistent" });
  await vi.waitFor(async () => expect(await pod.pod.driver.guard("bob")).toMatchObject({ ok: true }), GENEROUS);
  expect(pod.pod.identity?.incarnation).toBeGreaterThan(incarnation);
  expect(told.eventsOf("registered").map(({ because }) => because)).toEqual(["start", "superseded-claim"]);
  expect(told.eventsOf("superseded")).toEqual([]);
});
