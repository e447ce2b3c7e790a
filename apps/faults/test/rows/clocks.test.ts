import { faultRow } from "@podlink/faults";
import { MemoryExecutor } from "@podlink/memory-executor";
import type { RedisExecutorOptions } from "@podlink/redis-executor";
import { RedisExecutor } from "@podlink/redis-executor";
import { RouteInfoDriver } from "@podlink/route-info-driver";
import type { PodPhase } from "@podlink/server-driver";
import { ServerDriver } from "@podlink/server-driver";
import { fakeClock, recordingLogger } from "@podlink/testkit";
import type { Link } from "@podlink/types";
import { compareTokens, RouteError, silentLogger } from "@podlink/types";
import type { Pod } from "podlink";
import { expect, vi } from "vitest";
import { GENEROUS, NAMESPACE, Place, routable, SERVER, SERVICE, settle, storedLink } from "./support/pods-place.ts";
import { FencedStorage } from "./support/topology-storage.ts";

const HOUR_MS = 3_600_000;
const AHEAD = "the store's clock leapt ahead: links that expire end early";
const name = { namespace: NAMESPACE, service: SERVICE };

/** Pods and a caller whose store's time is Redis' own, moved at will. */
async function placeWithClock(place: Place, more: Omit<RedisExecutorOptions, "url" | "nowMs"> = {}) {
  let offsetMs = 3 * HOUR_MS;
  const nowMs = (): number => Math.floor(Date.now()) + offsetMs;
  const pods = [];
  for (const podIndex of [0, 1]) {
    const line = await place.line();
    const { pod } = await place.pod(podIndex, { redis: { ...more, url: line.url("redis"), nowMs } });
    pods.push({ pod, line });
  }
  const caller = await place.caller({ redis: { url: place.redis.url, nowMs } });
  await routable(caller, 2);
  return { pods, caller, nowMs, jump: (ms: number) => void (offsetMs += ms) };
}

faultRow(
  39,
  "Redis' clock an hour back: a pod is bound by its own clock, callers by theirs, and tokens grow",
  async (row) => {
    await using place = await Place.start(row);
    const { pods, caller, nowMs, jump } = await placeWithClock(place);
    await using store = new RedisExecutor({ url: place.redis.url, nowMs });
    const before = await settle(caller, pods[0]!, "ann");
    const short = { kind: "set", ...name, uid: "guest", owner: { podIndex: 1 }, lifetime: { ttlMs: 1000 } } as const;
    await store.execute(short);
    await row.inject("server", "the clock of its scripts jumps an hour back", async () => {
      jump(-HOUR_MS);
      const sets = [];
      for (let turn = 0; turn < 3; turn += 1) {
        const op = {
          kind: "set",
          ...name,
          uid: "bob",
          owner: { podIndex: turn % 2 },
          lifetime: { ttlMs: 60_000 },
        } as const;
        sets.push(Number(((await row.request(() => store.execute(op))) as { link: { token: string } }).link.token));
      }
      expect(sets).toEqual(sets.toSorted((a, b) => a - b));
      expect(new Set(sets).size).toBe(3);
      // Also above what this link had before the jump.
      const owner = { podIndex: 0, incarnation: before.incarnation! };
      const op = {
        kind: "replace",
        ...name,
        uid: "ann",
        owner,
        lifetime: "persistent",
        expectedToken: before.token,
      } as const;
      const replaced = (await store.execute(op)) as { replaced: boolean; link: { token: string } };
      expect(replaced.replaced).toBe(true);
      expect(Number(replaced.link.token)).toBeGreaterThan(Number(before.token));
    });
    expect(await pods[0]!.pod.driver.guard("ann")).toMatchObject({ ok: true });
    const cutAtMs = performance.now();
    // By Redis' clock its last report is no age at all; by its own its lease ends, and callers go by theirs.
    pods[0]!.line.add({ fault: "blackhole" });
    await vi.waitFor(async () => {
      expect(await pods[0]!.pod.driver.guard("ann")).toMatchObject({ ok: false, reason: "fenced" });
    }, GENEROUS);
    expect(await storedLink(caller, "ann")).toMatchObject({ podIndex: 0 }); // fenced before it is moved
    await vi.waitFor(async () => {
      expect(await row.request(() => caller.service(SERVICE).resolve("ann"))).toMatchObject({ podIndex: 1 });
    }, GENEROUS);
    expect(await pods[1]!.pod.driver.guard("ann")).toMatchObject({ ok: true });
    expect(performance.now() - cutAtMs).toBeGreaterThan(1000);
    expect(await store.execute({ kind: "get", ...name, uid: "guest" })).toMatchObject({ podIndex: 1 }); // it lives long
    row.saw(
      `tokens grew on; a pod that was silent after the jump was replaced after ${Math.round(performance.now() - cutAtMs)} ms`,
    );
  },
);

faultRow(
  38,
  "Redis' clock an hour ahead: what expires ends early and is logged, no pod dies, and the fence holds the order",
  async (row) => {
    await using place = await Place.start(row);
    const logger = recordingLogger();
    const { pods, caller, nowMs, jump } = await placeWithClock(place, { ownedTtlMs: HOUR_MS / 2, logger });
    await using store = new RedisExecutor({ url: place.redis.url, nowMs, ownedTtlMs: HOUR_MS / 2 });
    const [older, newer] = pods.map(({ pod }) => pod) as [Pod, Pod];
    const storage = new FencedStorage();
    const [atOlder, atNewer] = [storage.sessionsOf(older), storage.sessionsOf(newer)];
    const writeAt = (sessions: typeof atOlder): Promise<unknown> =>
      row.request(() =>
        sessions
          .use("ann", (_, { fence }) => storage.write("ann", fence))
          .catch((error: unknown) => RouteError.from(error)),
      );
    const before = await settle(caller, pods[0]!, "ann");
    expect(await writeAt(atOlder)).toBeUndefined();
    const lives = pods.map(({ pod }) => pod.driver.identity!.incarnation);
    const guest = { ...name, uid: "guest" };
    await store.execute({ kind: "set", ...guest, owner: { podIndex: 1 }, lifetime: { ttlMs: 60_000 } });

    await row.inject("server", "the clock of its scripts jumps an hour ahead", () => jump(HOUR_MS));
    // A reservation of a minute is over, and an owned link that was to be kept for half an hour too.
    expect(await row.request(() => store.execute({ kind: "get", ...guest }))).toBeUndefined();
    expect(await row.request(() => store.execute({ kind: "get", ...name, uid: "ann" }))).toBeUndefined();
    // Its owner doesn't know yet, and serves: the user gets a second owner, and from then on the storage is his alone.
    const overlapAtMs = performance.now();
    const op = {
      kind: "setIfAbsent",
      ...name,
      uid: "ann",
      owner: { podIndex: 1 },
      lifetime: { ttlMs: 60_000 },
    } as const;
    const placed = (await row.request(() => store.execute(op))) as { created: boolean; link: Link };
    expect(placed.created).toBe(true);
    expect(compareTokens(placed.link.token, before.token)).toBeGreaterThan(0);
    expect(await writeAt(atNewer)).toBeUndefined();
    await vi.waitFor(async () => expect(await older.driver.guard("ann")).toMatchObject({ ok: false }), GENEROUS);
    const overlapMs = performance.now() - overlapAtMs;
    expect(await writeAt(atOlder)).toMatchObject({ code: "NOT_HOLDER" });
    expect(await writeAt(atNewer)).toBeUndefined();
    storage.checkOrder();
    // Nobody died of it, nobody crashed, and it is in the log.
    await routable(caller, 2);
    expect(pods.map(({ pod }) => pod.driver.identity!.incarnation)).toEqual(lives);
    for (const { pod } of pods) expect(pod.driver.read()).toMatchObject({ fenced: 0 });
    expect(caller.client.read()).toMatchObject({ replacements: 0 });
    expect(store.read()).toMatchObject({ clockAhead: 1, clockBack: 0 });
    await vi.waitFor(() => expect(logger.of("warn").map(({ message }) => message)).toContainEqual(AHEAD), GENEROUS);
    row.saw(
      `two owners for ${Math.round(overlapMs)} ms, until the next verification; the older wrote nothing after the newer`,
    );
  },
);

/** One pod on the embedded store, by a clock that is moved by hand. */
async function podByHand() {
  const clock = fakeClock();
  const store = new MemoryExecutor({ clock });
  const routes = new RouteInfoDriver({ directory: store, catalogue: store, namespace: NAMESPACE, clock });
  const driver = new ServerDriver({ store, routes, clock, logger: silentLogger }, { ...SERVER, ...name, podIndex: 0 });
  const phases: PodPhase[] = [];
  driver.onState(({ phase }) => phases.at(-1) !== phase && phases.push(phase));
  const starting = driver.start();
  await clock.advance(50);
  await starting;
  driver.ready();
  await clock.advance(SERVER.heartbeatIntervalMs);
  const end = async (): Promise<void> => {
    await driver.close();
    await routes.close();
    await store.close();
  };
  return { clock, store, driver, phases, end };
}

for (const jumpMs of [-HOUR_MS, -50, SERVER.leaseMarginMs - 20]) {
  faultRow(40, `a pod's wall clock jumps by ${jumpMs} ms: nothing follows`, async (row) => {
    const { clock, driver, phases, end } = await podByHand();
    expect(await driver.guard("ann")).toMatchObject({ ok: true });
    const { incarnation } = driver.identity!;
    const seen = phases.length;
    await row.inject("process", `its wall clock jumps by ${jumpMs} ms`, () => clock.jumpWall(jumpMs));
    for (let turn = 0; turn < 30; turn += 1) {
      expect(row.request(() => driver.isHeld("ann"))).toBeDefined();
      expect(driver.isHeld("ann")).toBe(true);
      await clock.advance(SERVER.heartbeatIntervalMs);
    }
    await row.request(async () => expect(await driver.guard("ann")).toMatchObject({ ok: true }));
    expect(driver.identity!.incarnation).toBe(incarnation);
    expect(phases.slice(seen)).toEqual([]);
    expect(driver.read()).toMatchObject({ fenced: 0 });
    row.saw("back by an hour, and ahead by less than the margin: nothing");
    await end();
  });
}

faultRow(40, "a pod's wall clock jumps ahead by more than the margin: fenced once, registered once", async (row) => {
  const { clock, driver, phases, end } = await podByHand();
  const before = await driver.guard("ann");
  expect(before).toMatchObject({ ok: true });
  const { incarnation } = driver.identity!;
  const seen = phases.length;
  await row.inject("process", "its wall clock jumps an hour ahead", () => clock.jumpWall(HOUR_MS));
  await row.request(async () => expect(await driver.guard("ann")).toMatchObject({ ok: false, reason: "fenced" }));
  await clock.advance(30 * SERVER.heartbeatIntervalMs);
  expect(phases.slice(seen)).toEqual(["fenced", "running"]);
  expect(driver.identity!.incarnation).toBeGreaterThan(incarnation);
  expect(driver.read()).toMatchObject({ fenced: 1 });
  const after = await driver.guard("ann");
  if (!after.ok || !before.ok) throw new Error("not granted");
  expect(Number(after.link.token)).toBeGreaterThan(Number(before.link.token));
  row.saw("an hour ahead: fenced once, registered once, held again under a new token");
  await end();
});

faultRow(42, "an event loop blocked for 3 s: Redis isn't taken for dead, and the pod keeps its lease", async (row) => {
  await using place = await Place.start(row);
  const usual = { leaseMs: 10_000, leaseMarginMs: 1000, heartbeatIntervalMs: 2000 };
  const placed = await place.pod(0, { server: { ...SERVER, ...usual } });
  const times = { leaseMs: usual.leaseMs, leaseMarginMs: usual.leaseMarginMs };
  const caller = await place.caller({ client: times });
  await routable(caller, 1);
  const before = await settle(caller, placed, "ann");
  await using store = new RedisExecutor({ url: place.redis.url });
  await store.init([NAMESPACE], { timeoutMs: 10_000 });
  const healths: unknown[] = [];
  store.watchStore((event) => event.kind === "health" && healths.push(event.health));
  const phases: PodPhase[] = [];
  placed.pod.driver.onState(({ phase }) => phases.push(phase));
  const underWay = Promise.allSettled([
    row.request(() => store.execute({ kind: "get", ...name, uid: "ann" })),
    row.request(() => caller.service(SERVICE).resolve("ann")),
  ]);
  await row.inject("process", "its event loop is blocked for 3 s", () => {
    const untilMs = performance.now() + 3000;
    while (performance.now() < untilMs);
  });
  // What was under way has its answer, or is told that its time is over; what comes after is served at once.
  for (const one of await underWay) {
    if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "TIMEOUT" });
  }
  expect(await row.request(() => placed.pod.driver.guard("ann"))).toMatchObject({
    ok: true,
    link: { token: before.token },
  });
  expect(await store.execute({ kind: "get", ...name, uid: "ann" })).toMatchObject({ token: before.token });
  expect(await caller.service(SERVICE).resolve("ann")).toMatchObject({ podIndex: 0 });
  expect([placed.pod.health(), caller.health(), store.health()]).toEqual([
    { healthy: true },
    { healthy: true },
    { healthy: true },
  ]);
  expect(healths).toEqual([]);
  expect(phases.filter((phase) => phase !== "running")).toEqual([]);
  row.saw("no connection was given up, health never changed, the same lease and token");
});
