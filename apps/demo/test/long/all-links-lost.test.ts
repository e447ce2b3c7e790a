import { RedisSessionStore } from "@podlink/stateful-server";
import { recordingObserver, startFaultProxy } from "@podlink/testkit";
import type { FaultProxy, RecordingObserver } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import type { Link } from "@podlink/types";
import { holderText, silentLogger } from "@podlink/types";
import type { Pod, Podlink } from "podlink";
import { connect, joinAsPod } from "podlink";
import { expect, test, vi } from "vitest";

// All links are lost while their owners live, and a caller that has none in its cache places users anew before the owners
// have noticed: then two guards say yes for a while. How long, and what the storage makes of it.

const SERVICE = "room";
const NAMESPACE = "prod";
const GENEROUS = { timeout: 15_000, interval: 10 };
const USERS = Array.from({ length: 20 }, (_, index) => `user-${index}`);

interface Times {
  readonly heartbeatIntervalMs: number;
  readonly leaseMs: number;
  readonly leaseMarginMs: number;
}

interface House extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly sessions: RedisSessionStore;
  /** Holds all users. */
  readonly old: Pod & { readonly told: RecordingObserver; readonly line: FaultProxy };
  /** Holds none, and takes new ones. */
  readonly other: Pod;
  /** Knows the pods, and no link. */
  readonly cold: Podlink;
  /** What the old pod granted each user. */
  readonly links: ReadonlyMap<string, Link>;
}

/** One pod with all users, a second one that came later, and a caller with a cold cache. Sessions are on a Redis of their own. */
async function open(times: Times): Promise<House> {
  const open: AsyncDisposable[] = [];
  const close = async (): Promise<void> => {
    for (const thing of open.reverse()) await thing[Symbol.asyncDispose]();
  };
  try {
    const redis = await startRedis();
    const sessionRedis = await startRedis();
    open.push({ [Symbol.asyncDispose]: () => redis.end() }, { [Symbol.asyncDispose]: () => sessionRedis.end() });
    const line = await startFaultProxy({ target: redis });
    open.push({ [Symbol.asyncDispose]: () => line.end() });
    const sessions = new RedisSessionStore({ url: sessionRedis.url, namespace: NAMESPACE, service: SERVICE });
    open.push(sessions);
    const routes = { stateRefreshMs: 100, slowStartMs: 0, silenceMs: 2 * times.heartbeatIntervalMs + 100 };
    const told = recordingObserver();
    const join = async (podIndex: number, url: string, observer: RecordingObserver): Promise<Pod> => {
      const server = { ...times, propagationMs: 0, cpuFactor: 0 };
      const common = {
        namespace: NAMESPACE,
        service: SERVICE,
        podIndex,
        server,
        routes,
        logger: silentLogger,
        observer,
      };
      const pod = await joinAsPod({ ...common, redis: url, http: { port: 4000 + podIndex, host: "127.0.0.1" } });
      open.push({ [Symbol.asyncDispose]: () => pod.stop({ deadlineMs: 1 }) });
      pod.ready();
      return pod;
    };
    const caller = async (pods: number): Promise<Podlink> => {
      const client = { leaseMs: times.leaseMs, leaseMarginMs: times.leaseMarginMs };
      const made = await connect({ redis: redis.url, namespace: NAMESPACE, client, routes, logger: silentLogger });
      open.push(made);
      await vi.waitFor(async () => expect(await made.routes.routablePods(SERVICE)).toHaveLength(pods), GENEROUS);
      return made;
    };
    const old = await join(0, line.url("redis"), told);
    const first = await caller(1);
    const links = new Map<string, Link>();
    for (const uid of USERS) {
      await first.service(SERVICE).resolve(uid);
      const answer = await old.driver.guard(uid);
      if (!answer.ok) throw new Error(`${uid}: ${answer.reason}`);
      links.set(uid, answer.link);
      expect(await sessions.loadAndRaise(uid, fenceOf(answer.link))).toHaveProperty("session");
      expect(await sessions.write(uid, fenceOf(answer.link), written(1))).toBe("written");
    }
    const other = await join(1, redis.url, recordingObserver());
    const cold = await caller(2);
    return {
      redis,
      sessions,
      old: Object.assign(old, { told, line }),
      other,
      cold,
      links,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const fenceOf = ({ token, podIndex, incarnation }: Link) => ({ token, holder: holderText(podIndex, incarnation) });
const written = (sequence: number) => ({ change: { sequence, kind: "incr", count: sequence } }) as const;

/** A user whom the cold caller placed on the other pod, which took him. */
async function placedElsewhere({ cold, other }: House): Promise<{ readonly uid: string; readonly newer: Link }> {
  const placed = await Promise.all(USERS.map((uid) => cold.service(SERVICE).resolve(uid)));
  const uid = placed.find(({ podIndex }) => podIndex === 1)?.uid;
  if (uid === undefined) throw new Error("none of 20 users was placed on the other pod");
  const answer = await other.driver.guard(uid);
  if (!answer.ok) throw new Error(`the other pod refused: ${answer.reason}`);
  return { uid, newer: answer.link };
}

/** Asks the old pod until it refuses; when it said yes last, on the monotonic clock. */
async function lastYesAtMs({ old }: House, uid: string): Promise<number> {
  let lastMs = Number.NEGATIVE_INFINITY;
  await vi.waitFor(
    async () => {
      const askedAtMs = performance.now();
      const answer = await old.driver.guard(uid);
      if (answer.ok) lastMs = askedAtMs;
      expect(answer.ok).toBe(false);
    },
    { ...GENEROUS, interval: 2 },
  );
  return lastMs;
}

/** Both pods say yes now; the storage goes by the token alone. */
async function expectTokenToDecide(
  house: House,
  { uid, newer }: { readonly uid: string; readonly newer: Link },
): Promise<void> {
  const { old, other, sessions, links } = house;
  const older = links.get(uid);
  if (older === undefined) throw new Error(`${uid} had no link`);
  // The same instant: neither answer takes I/O.
  expect([old.driver.guard(uid), other.driver.guard(uid)]).toMatchObject([
    { ok: true, link: { podIndex: 0, token: older.token } },
    { ok: true, link: { podIndex: 1, token: newer.token } },
  ]);
  expect(Number(newer.token)).toBeGreaterThan(Number(older.token));
  // Until the newer owner has loaded, the older one's writes are accepted, and part of what is loaded.
  expect(await sessions.write(uid, fenceOf(older), written(2))).toBe("written");
  expect(await sessions.loadAndRaise(uid, fenceOf(newer))).toMatchObject({ session: { count: 2 } });
  // From then on they are refused, although its guard still says yes.
  expect(await sessions.write(uid, fenceOf(older), written(3))).toEqual({ refused: newer.token });
  expect(await sessions.loadAndRaise(uid, fenceOf(older))).toEqual({ refused: newer.token });
  expect(await sessions.write(uid, fenceOf(newer), written(3))).toBe("written");
  expect(old.driver.guard(uid)).toMatchObject({ ok: true, link: { token: older.token } });
}

test("after the loss of all links two guards may say yes until the older owner's next report; the storage refuses the older", async () => {
  await using house = await open({ heartbeatIntervalMs: 3000, leaseMs: 10_000, leaseMarginMs: 1000 });
  const { old, other, redis } = house;
  // Just after a report was answered: the longest time to the next.
  const answered = (): number =>
    old.told.scopes.filter(({ operation, ends }) => operation.name === "report" && ends > 0).length;
  const answeredBefore = answered();
  await vi.waitFor(() => expect(answered()).toBeGreaterThan(answeredBefore), GENEROUS);
  const reportsBefore = old.read()["reports"] ?? 0;
  await redis.cli("FLUSHALL");
  const lostAtMs = performance.now();
  const moved = await placedElsewhere(house);
  await expectTokenToDecide(house, moved);
  const lastMs = await lastYesAtMs(house, moved.uid);
  // One report found the row gone; no second one was needed.
  expect(old.told.eventsOf("epoch-changed")).toMatchObject([{ because: "gone" }]);
  expect(old.read()["reports"]).toBeLessThanOrEqual(reportsBefore + 2); // that one, and the first of the new registration
  process.stdout.write(`two guards said yes for up to ${Math.round(lastMs - lostAtMs)} ms, heartbeat 3000 ms\n`);
  // It claims again what it held, above its old tokens, and learns whom it has lost.
  await vi.waitFor(async () => {
    expect(await old.driver.guard(moved.uid)).toMatchObject({ ok: false, reason: "held-by", link: { podIndex: 1 } });
    expect(await other.driver.guard(moved.uid)).toMatchObject({ ok: true });
  }, GENEROUS);
});

test("an older owner that is cut off when all links are lost says yes to the end of its lease at most", async () => {
  const times = { heartbeatIntervalMs: 600, leaseMs: 4000, leaseMarginMs: 400 };
  await using house = await open(times);
  house.old.line.add({ fault: "blackhole" });
  const cutAtMs = performance.now();
  await house.redis.cli("FLUSHALL");
  const moved = await placedElsewhere(house);
  await expectTokenToDecide(house, moved);
  const lastMs = await lastYesAtMs(house, moved.uid);
  expect(lastMs - cutAtMs).toBeLessThanOrEqual(times.leaseMs - times.leaseMarginMs);
  expect(house.old.told.eventsOf("fenced")).toMatchObject([{ because: "lease-over" }]);
  process.stdout.write(
    `cut off, it said yes for up to ${Math.round(lastMs - cutAtMs)} ms, lease less margin 3600 ms\n`,
  );
});
