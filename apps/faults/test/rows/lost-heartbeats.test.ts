import { faultRow } from "@podlink/faults";
import type { Link } from "@podlink/types";
import { RouteError } from "@podlink/types";
import type { Podlink } from "podlink";
import { expect, vi } from "vitest";
import type { PlacedPod } from "./support/pods-place.ts";
import { CLIENT, GENEROUS, Place, routable, SERVICE, settle, storedLink, TIMES } from "./support/pods-place.ts";

/** How much a measurement in this process is off. */
const ROUND_TRIP_MS = 50;

/** The link, or why there is none now. */
async function ask(caller: Podlink, uid: string): Promise<Link | string> {
  return caller
    .service(SERVICE)
    .resolve(uid)
    .catch((error: unknown) => {
      if (!RouteError.is(error)) throw error;
      return error.code;
    });
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

faultRow(45, "a pod whose heartbeats are lost is fenced before others take its users", async (row) => {
  await using place = await Place.start(row);
  const pods = [await place.pod(0), await place.pod(1), await place.pod(2)];
  const caller = await place.caller();
  await routable(caller, 3);
  const cut = pods[0]!;
  const before = await settle(caller, cut, "ann");

  // Healthy, and cut off: it goes on being asked, and sees for itself that its lease is over.
  cut.line.add({ fault: "blackhole" });
  let lastServedAtMs = performance.now();
  let isMoved = false;
  const reasons = new Set<string>();
  const watching = (async () => {
    while (!isMoved) {
      const answer = await cut.pod.driver.guard("ann", { timeoutMs: 50 });
      if (answer.ok) lastServedAtMs = performance.now();
      else reasons.add(answer.reason);
      await pause(5);
    }
  })();
  const begunAtMs = performance.now();
  const moved = await vi.waitFor(async () => {
    const link = await row.request(() => ask(caller, "ann"));
    if (typeof link === "string" || link.podIndex === 0) throw new Error("not moved yet");
    return link;
  }, GENEROUS);
  const movedAtMs = performance.now();
  isMoved = true;
  await watching;

  expect(lastServedAtMs).toBeLessThan(movedAtMs);
  expect(lastServedAtMs - begunAtMs).toBeLessThanOrEqual(TIMES.leaseMs);
  expect(reasons).toEqual(new Set(["fenced"]));
  expect(Number(moved.token)).toBeGreaterThan(Number(before.token));
  const taken = await pods[moved.podIndex]!.pod.driver.guard("ann");
  expect(taken).toMatchObject({ ok: true });

  // Back on the line it registers anew, and learns who has its user: it never takes him back.
  cut.line.heal();
  await vi.waitFor(async () => {
    expect(await cut.pod.driver.guard("ann")).toMatchObject({
      ok: false,
      reason: "held-by",
      link: { podIndex: moved.podIndex },
    });
  }, GENEROUS);
  expect(await storedLink(caller, "ann")).toMatchObject({ kind: "owned", podIndex: moved.podIndex });
  const gapMs = Math.round(movedAtMs - lastServedAtMs);
  row.saw(`served last ${Math.round(lastServedAtMs - begunAtMs)} ms after the cut, moved ${gapMs} ms after that`);
});

/** Five pods with four users each. */
async function five(place: Place, caller: Podlink): Promise<{ pods: PlacedPod[]; users: string[][] }> {
  const pods = await Promise.all([0, 1, 2, 3, 4].map((index) => place.pod(index)));
  await routable(caller, 5);
  const users = await Promise.all(
    pods.map((pod) =>
      Promise.all([0, 1, 2, 3].map(async (user) => (await settle(caller, pod, `u${pod.pod.podIndex}-${user}`)).uid)),
    ),
  );
  return { pods, users };
}

faultRow(44, "three of five pods silent at once: nothing is replaced for panicMs, then at a pace", async (row) => {
  await using place = await Place.start(row);
  const ratePerSecond = 10;
  const panics: boolean[] = [];
  const caller = await place.caller({
    client: { ...CLIENT, failover: { graceMs: TIMES.graceMs, ratePerSecond } },
    observer: { start: () => undefined, event: (event) => event.kind === "panic" && panics.push(event.active) },
  });
  const { pods, users } = await five(place, caller);
  const silentUsers = users.slice(0, 3).flat();
  const tokens = new Map<string, string>();
  for (const uid of users.flat()) tokens.set(uid, (await storedLink(caller, uid))!.token);

  const silentAtMs = performance.now();
  for (const { line } of pods.slice(0, 3)) line.add({ fault: "blackhole" });
  const movedAtMs = new Map<string, number>();
  await vi.waitFor(async () => {
    for (const uid of silentUsers.filter((name) => !movedAtMs.has(name))) {
      const link = await row.request(() => ask(caller, uid));
      if (typeof link !== "string" && link.token !== tokens.get(uid)) movedAtMs.set(uid, performance.now());
    }
    expect(movedAtMs.size).toBe(silentUsers.length);
  }, GENEROUS);

  const times = Array.from(movedAtMs.values()).sort((a, b) => a - b);
  // The panic begins when the last lease is over; a reading before the cut counts a heartbeat later at most.
  const leastMs = TIMES.leaseMs - TIMES.heartbeatIntervalMs - ROUND_TRIP_MS + TIMES.panicMs;
  expect(times[0]! - silentAtMs).toBeGreaterThanOrEqual(leastMs);
  // A tenth of a second's permits at once, then one by one.
  const fastestMs = ((times.length - 1 - Math.max(1, ratePerSecond / 10)) / ratePerSecond) * 1000;
  expect(times.at(-1)! - times[0]!).toBeGreaterThanOrEqual(fastestMs);
  expect(caller.read()).toMatchObject({ replacements: silentUsers.length });
  expect(caller.read()["panicHeld"]).toBeGreaterThan(0);
  expect(caller.read()["pacedOut"]).toBeGreaterThan(0);
  expect(panics[0]).toBe(true);
  for (const uid of users.slice(3).flat()) expect((await storedLink(caller, uid))!.token).toBe(tokens.get(uid));
  const heldMs = Math.round(times[0]! - silentAtMs);
  row.saw(`first moved ${heldMs} ms after the silence, 12 users in ${Math.round(times.at(-1)! - times[0]!)} ms`);
});

faultRow(44, "nobody reports any more: nothing is replaced, also after panicMs", async (row) => {
  await using place = await Place.start(row);
  const caller = await place.caller();
  const { pods, users } = await five(place, caller);
  for (const { line } of pods) line.add({ fault: "blackhole" });
  const untilMs = performance.now() + TIMES.leaseMs + TIMES.graceMs + TIMES.panicMs + 1000;
  const codes = new Set<string>();
  while (performance.now() < untilMs) {
    for (const uid of users.flat()) {
      const link = await row.request(() => ask(caller, uid));
      if (typeof link === "string") codes.add(link);
    }
    await pause(50);
  }
  expect(codes.size).toBeGreaterThan(0);
  expect(Array.from(codes).every((code) => code === "POD_UNAVAILABLE" || code === "NO_ROUTABLE_POD")).toBe(true);
  expect(caller.read()).toMatchObject({ replacements: 0 });
  for (const [index, uids] of users.entries()) {
    for (const uid of uids) expect(await storedLink(caller, uid)).toMatchObject({ kind: "owned", podIndex: index });
  }
  row.saw(`20 users of 5 silent pods: 0 moved, answered ${Array.from(codes).join(", ")}`);
});
