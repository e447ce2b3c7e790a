import type { FaultRow } from "@podlink/faults";
import { faultRow } from "@podlink/faults";
import type { SupervisedApp } from "@podlink/testkit";
import type { Podlink } from "podlink";
import { expect, vi } from "vitest";
import { GENEROUS, Place, routable, SERVER, SERVICE, settle, storedLink } from "./support/pods-place.ts";
import { askPod, PodProcesses, PROCESS_CLIENT, PROCESS_ROUTES, PROCESS_TIMES } from "./support/pods-processes.ts";

const slow = { client: PROCESS_CLIENT, routes: PROCESS_ROUTES };

/** How late this process may be on a busy machine. */
const LATE_MS = 1000;

/** Links uids to a process and has it take them. */
async function settleAt(caller: Podlink, app: SupervisedApp, podIndex: number, uids: readonly string[]): Promise<void> {
  for (const uid of uids) {
    await caller.client.setLinkedPodIfAbsent({ service: SERVICE, uid }, podIndex);
    await vi.waitFor(async () => expect(await askPod(app, uid)).toMatchObject({ ok: true }), GENEROUS);
  }
}

faultRow(51, "a second SIGTERM hurries one drain: its users are moved once, and it ends well", async (row) => {
  await using place = await Place.start(row);
  await using processes = new PodProcesses(row);
  const url = place.redis.url;
  const propagationMs = 8000; // so long the first one alone would wait
  const app = await processes.start({
    podIndex: 0,
    redisUrl: url,
    server: { propagationMs, stop: { deadlineMs: 20_000 } },
  });
  const other = await place.pod(1, { server: PROCESS_TIMES, routes: PROCESS_ROUTES });
  const caller = await place.caller(slow);
  await routable(caller, 2);
  const uids = ["ann", "bob", "cleo"];
  await settleAt(caller, app, 0, uids);
  const before = await Promise.all(uids.map((uid) => storedLink(caller, uid)));

  const termAtMs = performance.now();
  app.signal("SIGTERM");
  await vi.waitFor(async () => expect(await askPod(app, "?held")).toMatchObject({ phase: "draining" }), GENEROUS);
  app.signal("SIGTERM");
  const ending = await app.whenEnded();
  expect(ending).toMatchObject({ code: 0 });
  const tookMs = ending.atMs - termAtMs;
  expect(tookMs).toBeLessThan(propagationMs);
  for (const [index, uid] of uids.entries()) {
    const link = await row.request(() => caller.service(SERVICE).resolve(uid));
    expect(link).toMatchObject({ podIndex: 1 });
    expect(Number(link.token)).toBeGreaterThan(Number(before[index]!.token));
    expect(await other.pod.driver.guard(uid)).toMatchObject({ ok: true });
  }
  expect(caller.read()).toMatchObject({ replacements: 0 }); // the drain moved them, nobody else had to
  row.saw(`ended with code 0 after ${Math.round(tookMs)} ms of 8000, each of 3 users moved once`);
});

faultRow(51, "drained twice at once by its own program: one drain, each user handed off once", async (row) => {
  await using place = await Place.start(row);
  const pods = [await place.pod(0), await place.pod(1)];
  const caller = await place.caller();
  await routable(caller, 2);
  const uids = Array.from({ length: 20 }, (_, user) => `user-${user}`);
  for (const uid of uids) await settle(caller, pods[0]!, uid);
  const handedOff: string[] = [];
  pods[0]!.pod.driver.onHandOff((uid) => void handedOff.push(uid));
  const phases: string[] = [];
  pods[0]!.pod.driver.onState(({ phase }) => phases.at(-1) !== phase && phases.push(phase));
  using moving = row.failpoint("after-move", { run: () => undefined });
  const { pod } = pods[0]!;
  await Promise.all([pod.stop(), pod.stop(), pod.driver.stop()]);
  await pod.stop();
  expect(moving.hits).toBe(uids.length);
  expect(handedOff.toSorted()).toEqual(uids.toSorted());
  expect(phases).toEqual(["draining", "stopped"]);
  for (const uid of uids) {
    expect(await row.request(() => caller.service(SERVICE).resolve(uid))).toMatchObject({ podIndex: 1 });
  }
  row.saw("4 calls of stop, one drain: 20 users handed off once each");
});

faultRow(51, "a drain while it starts: nothing is registered after it, and it is over in time", async (row) => {
  await using place = await Place.start(row);
  const caller = await place.caller();
  using registering = row.failpoint("before-register", { action: "pause", times: 1 });
  // Its program is told to go on without an answer, and then to stop.
  const { pod } = await place.pod(0, { server: { ...SERVER, commandTimeoutMs: 100 } });
  expect(registering.paused).toBe(1);
  expect(pod.driver.state.phase).toBe("starting");
  const beganAtMs = performance.now();
  await row.request(() => Promise.all([pod.stop(), pod.stop(), pod.driver.stop()]));
  const tookMs = performance.now() - beganAtMs;
  expect(tookMs).toBeLessThan(SERVER.stop.deadlineMs + LATE_MS);
  expect(pod.driver.state.phase).toBe("stopped");
  registering.release();
  await pod.stop();
  expect(await pod.driver.guard("ann")).toMatchObject({ ok: false, reason: "stopped" });
  expect(await caller.routes.alivePods(SERVICE)).toEqual([]);
  expect(await place.redis.cli("KEYS", "pl:{prod/room}:pods*")).toEqual([]);
  row.saw(`stopped 3 times before it had registered: over after ${Math.round(tookMs)} ms, never registered`);
});

/** How Redis goes away while a pod drains, and how it comes back. */
interface Outage {
  readonly begins: (place: Place) => Promise<void>;
  readonly ends: (place: Place) => Promise<void>;
}

/** A pod is told to drain while Redis is away: it ends in time, and its users move when its lease is over. */
const drainDuring = (outage: Outage) => async (row: FaultRow) => {
  await using place = await Place.start(row);
  await using processes = new PodProcesses(row);
  const server = { stop: { deadlineMs: 2000 } };
  const app = await processes.start({ podIndex: 0, redisUrl: place.redis.url, server });
  const caller = await place.caller(slow);
  await routable(caller, 1);
  await settleAt(caller, app, 0, ["ann"]);
  const before = (await storedLink(caller, "ann"))!;

  await outage.begins(place);
  app.signal("SIGTERM");
  const termAtMs = performance.now();
  const asked = await row.request(() =>
    caller
      .service(SERVICE)
      .resolve("bob")
      .catch((error: unknown) => error),
  );
  expect(asked).toMatchObject({ code: expect.stringMatching(/^(STORE_UNAVAILABLE|TIMEOUT)$/) as string });
  const ending = await app.whenEnded();
  expect(ending).toMatchObject({ code: 0, wasOverdue: false });
  const tookMs = ending.atMs - termAtMs;
  expect(tookMs).toBeLessThan(server.stop.deadlineMs + LATE_MS);

  await outage.ends(place);
  await vi.waitFor(async () => {
    expect(await storedLink(caller, "ann")).toMatchObject({ token: before.token, podIndex: 0 });
  }, GENEROUS);
  const other = await place.pod(1, { server: PROCESS_TIMES, routes: PROCESS_ROUTES });
  const moved = await vi.waitFor(async () => {
    const link = await row.request(() => caller.service(SERVICE).resolve("ann"));
    expect(link.podIndex).toBe(1);
    return link;
  }, GENEROUS);
  expect(Number(moved.token)).toBeGreaterThan(Number(before.token));
  expect(await other.pod.driver.guard("ann")).toMatchObject({ ok: true });
  row.saw(`ended ${Math.round(tookMs)} ms after SIGTERM, deadline 2000 ms; its user moved when its lease was over`);
};

const redisDies: Outage = {
  begins: async ({ redis }) => {
    await redis.cli("SAVE");
    await redis.kill9();
  },
  ends: ({ redis }) => redis.restart(),
};
const redisStandsStill: Outage = {
  begins: async ({ redis }) => redis.stop(),
  ends: async ({ redis }) => redis.cont(),
};

faultRow(
  52,
  "a drain while Redis is dead ends in time; Redis back with its data, the lease ends and its users move",
  drainDuring(redisDies),
);

faultRow(
  52,
  "a drain while Redis stands still ends in time, and its users move when its lease is over",
  drainDuring(redisStandsStill),
);

faultRow(53, "all pods drain: nobody can be placed, and links wait for the next life", async (row) => {
  await using place = await Place.start(row);
  await using processes = new PodProcesses(row);
  const start = (podIndex: number) => processes.start({ podIndex, redisUrl: place.redis.url });
  const apps = await Promise.all([start(0), start(1)]);
  const caller = await place.caller(slow);
  await routable(caller, 2);
  const rooms = caller.service(SERVICE);
  await settleAt(caller, apps[0], 0, ["ann"]);
  await settleAt(caller, apps[1], 1, ["bob"]);
  const before = await Promise.all(["ann", "bob"].map(async (uid) => (await storedLink(caller, uid))!));

  for (const app of apps) app.signal("SIGTERM");
  const endings = await Promise.all(apps.map((app) => app.whenEnded()));
  for (const ending of endings) expect(ending).toMatchObject({ code: 0, wasOverdue: false });
  for (const uid of ["ann", "new"]) {
    await expect(row.request(() => rooms.resolve(uid))).rejects.toMatchObject({ code: "NO_ROUTABLE_POD" });
  }
  const left = await Promise.all(["ann", "bob"].map((uid) => storedLink(caller, uid)));
  expect(left).toMatchObject(before.map(({ podIndex }) => ({ podIndex })));

  const next = await Promise.all([start(0), start(1)]);
  await routable(caller, 2);
  for (const [index, uid] of ["ann", "bob"].entries()) {
    const link = await row.request(() => rooms.resolve(uid));
    expect(link.podIndex).toBe(index);
    const answer = await askPod(next[index]!, uid);
    expect(answer).toMatchObject({ ok: true, link: { podIndex: index } });
    expect(Number((answer["link"] as { token: string }).token)).toBeGreaterThan(Number(before[index]!.token));
  }
  expect(caller.read()).toMatchObject({ replacements: 0 });
  row.saw("2 pods drained at once, NO_ROUTABLE_POD; their next lives took both users under new tokens");
});
