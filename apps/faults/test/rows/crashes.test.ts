import type { FaultRow } from "@podlink/faults";
import { faultRow } from "@podlink/faults";
import { RedisExecutor } from "@podlink/redis-executor";
import type { SupervisedApp } from "@podlink/testkit";
import type { Podlink } from "podlink";
import { expect, vi } from "vitest";
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
} from "./support/pods-place.ts";
import { askPod, PodProcesses, PROCESS_CLIENT, PROCESS_ROUTES, PROCESS_TIMES } from "./support/pods-processes.ts";

const slow = { client: PROCESS_CLIENT, routes: PROCESS_ROUTES };

/** A process that dies at a failpoint and holds ann, another pod, and a caller. */
async function doomed(row: FaultRow, place: Place, processes: PodProcesses, failpoints: string) {
  const app = await processes.start({ podIndex: 0, redisUrl: place.redis.url, failpoints });
  const other = await place.pod(1, { server: PROCESS_TIMES, routes: PROCESS_ROUTES });
  const caller = await place.caller(slow);
  await routable(caller, 2);
  await caller.client.setLinkedPodIfAbsent({ service: SERVICE, uid: "ann" }, 0);
  await vi.waitFor(async () => expect(await askPod(app, "ann")).toMatchObject({ ok: true }), GENEROUS);
  const before = (await storedLink(caller, "ann"))!;
  return { app, other, caller, before };
}

/** Killed by its failpoint, as by SIGKILL. */
async function diedAt(app: SupervisedApp, point: string): Promise<number> {
  const { signal, atMs } = await app.whenEnded();
  expect(signal).toBe("SIGKILL");
  expect(app.log()).toContain(`podlink failpoint ${point}: exit`);
  return atMs;
}

/** The user is linked to the other pod, which serves it under a higher token. */
async function linkedAgain(row: FaultRow, caller: Podlink): Promise<{ token: string; atMs: number }> {
  return vi.waitFor(async () => {
    const link = await row.request(() => caller.service(SERVICE).resolve("ann"));
    expect(link.podIndex).toBe(1);
    return { token: link.token, atMs: performance.now() };
  }, GENEROUS);
}

faultRow(
  54,
  "a crash after a link was released with a grace: it is a goodbye, and the user is linked again after it",
  async (row) => {
    await using place = await Place.start(row);
    await using processes = new PodProcesses(row);
    const { app, other, caller, before } = await doomed(row, place, processes, "after-remove=exit");
    const graceMs = 1500;
    const askedAtMs = performance.now();
    askPod(app, `ann?graceMs=${graceMs}`, "POST").catch(() => undefined);
    await diedAt(app, "after-remove");
    expect(await storedLink(caller, "ann")).toMatchObject({ kind: "goodbye", podIndex: 0 });
    const { token, atMs } = await linkedAgain(row, caller);
    expect(Number(token)).toBeGreaterThan(Number(before.token));
    expect(await other.pod.driver.guard("ann")).toMatchObject({ ok: true });
    // Once its grace is over, or the pod counts as silent: what lets the goodbye go comes first.
    expect(atMs - askedAtMs).toBeGreaterThanOrEqual(graceMs - ROUND_TRIP_MS);
    row.saw(
      `a goodbye after the crash, linked again ${Math.round(atMs - askedAtMs)} ms after a release with ${graceMs} ms`,
    );
  },
);

faultRow(
  54,
  "a crash in a drain before the move: the link is still the dead pod's, until its lease and grace end",
  async (row) => {
    await using place = await Place.start(row);
    await using processes = new PodProcesses(row);
    const { app, other, caller, before } = await doomed(row, place, processes, "mid-hand-off=exit");
    app.signal("SIGTERM");
    const diedAtMs = await diedAt(app, "mid-hand-off");
    expect(await storedLink(caller, "ann")).toMatchObject({ kind: "owned", podIndex: 0, token: before.token });
    const { token, atMs } = await linkedAgain(row, caller);
    expect(Number(token)).toBeGreaterThan(Number(before.token));
    expect(await other.pod.driver.guard("ann")).toMatchObject({ ok: true });
    expect(caller.read()).toMatchObject({ replacements: 1 });
    row.saw(`linked again ${Math.round(atMs - diedAtMs)} ms after the crash, lease 3000 and grace 500 ms`);
  },
);

faultRow(54, "a crash in a drain after the move: the other pod has the user, nobody has to wait", async (row) => {
  await using place = await Place.start(row);
  await using processes = new PodProcesses(row);
  const { app, other, caller, before } = await doomed(row, place, processes, "after-move=exit");
  app.signal("SIGTERM");
  await diedAt(app, "after-move");
  expect(await storedLink(caller, "ann")).toMatchObject({ podIndex: 1 });
  const { token } = await linkedAgain(row, caller);
  expect(Number(token)).toBeGreaterThan(Number(before.token));
  expect(await other.pod.driver.guard("ann")).toMatchObject({ ok: true });
  expect(caller.read()).toMatchObject({ replacements: 0 });
  row.saw("the moved link stands, the next request goes there");
});

/** How much a measurement in this process is off. */
const ROUND_TRIP_MS = 50;

faultRow(
  55,
  "a move that is written and never published: loser and caches learn it by their longest staleness",
  async (row) => {
    await using place = await Place.start(row);
    const pods = [await place.pod(0), await place.pod(1)];
    const linkInfoCacheTimeSecs = 2;
    const caller = await place.caller({ client: { ...CLIENT, linkInfoCacheTimeSecs } });
    await routable(caller, 2);
    await settle(caller, pods[0]!, "ann");
    await caller.service(SERVICE).resolve("ann");
    const lost: string[] = [];
    pods[0]!.pod.driver.onPeriod((event) => event.kind === "ended" && lost.push(event.reason));

    // The write is carried out, its publication is not, and who asked for it is gone before it hears the answer.
    await place.redis.acl("mover", "on", ">secret", "~*", "&*", "+@all");
    const mover = new RedisExecutor({ url: place.redis.url, username: "mover", password: "secret" });
    await mover.init([NAMESPACE], { timeoutMs: 10_000 });
    await place.redis.acl("mover", "resetchannels");
    using crash = row.failpoint("after-script", {
      action: "throw",
      times: 1,
      where: ({ script }) => script === "linkOps",
    });
    const { incarnation } = pods[1]!.pod.identity!;
    const owner = { podIndex: 1, incarnation };
    const op = {
      kind: "set",
      namespace: NAMESPACE,
      service: SERVICE,
      uid: "ann",
      owner,
      lifetime: "persistent",
    } as const;
    await row.request(() => expect(mover.execute(op)).rejects.toBeDefined());
    const movedAtMs = performance.now();
    expect(crash.hits).toBe(1);
    await mover.close();
    expect(await mover.execute(op).catch((error: unknown) => error)).toMatchObject({ code: "CLOSED" });

    let servedStale = 0;
    await vi.waitFor(async () => {
      const answer = await row.request(() => pods[0]!.pod.driver.guard("ann"));
      if (answer.ok) servedStale += 1;
      expect(answer).toMatchObject({ ok: false, reason: "held-by", link: { podIndex: 1 } });
    }, GENEROUS);
    const loserMs = performance.now() - movedAtMs;
    await vi.waitFor(async () => {
      expect(await row.request(() => caller.service(SERVICE).resolve("ann"))).toMatchObject({ podIndex: 1 });
    }, GENEROUS);
    const cacheMs = performance.now() - movedAtMs;
    expect(lost).toEqual(["lost"]);
    expect(servedStale).toBeGreaterThan(0); // nobody told it: verification did
    expect(await pods[1]!.pod.driver.guard("ann")).toMatchObject({ ok: true });
    expect(loserMs).toBeLessThanOrEqual(SERVER.verifyIntervalMs + LATE_MS);
    expect(cacheMs).toBeLessThanOrEqual(linkInfoCacheTimeSecs * 1000 + LATE_MS);
    row.saw(
      `the loser stopped ${Math.round(loserMs)} ms after the write, the cache followed after ${Math.round(cacheMs)} ms`,
    );
  },
);

/** How late this process may be on a busy machine. */
const LATE_MS = 1000;
