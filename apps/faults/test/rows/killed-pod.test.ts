import { faultRow } from "@podlink/faults";
import type { RedisServer } from "@podlink/testkit/redis";
import { expect } from "vitest";
import { Place, routable, SERVICE, storedLink } from "./support/pods-place.ts";
import { PodProcesses, PROCESS_CLIENT, PROCESS_ROUTES, PROCESS_TIMES } from "./support/pods-processes.ts";
import type { RefusedUser } from "./support/pods-users.ts";
import { askUntilMoved, beyondPace } from "./support/pods-users.ts";

/** Whoever gets no turn for a second on a busy machine must not be taken for one that Redis didn't answer. */
const slow = { client: { ...PROCESS_CLIENT, commandTimeoutMs: 5000, callTimeoutMs: 10_000 }, routes: PROCESS_ROUTES };
const { leaseMs, failover } = PROCESS_CLIENT;
const LINKS = 10_000;
/** How many of its users come back and ask, each of one caller; and of both. The others stay away. */
const [OWN, SHARED] = [300, 100];
const ASKING = 2 * OWN + SHARED;
/** So many are told to come back when the first have moved. */
const FIRST_WAVE = 300;
/** The default of failover.ratePerSecond, and a tenth of a second's permits at once. */
const PACE = { ratePerSecond: 200, burst: 20 };

const LINK_COMMANDS = ["hsetnx", "hget", "hset", "hdel", "pexpireat", "publish"];
/** What a moved user may cost: four of them for the move, two or three each time that it is told to come back. */
const MOST_COMMANDS = 30;

const usersFrom = (first: number, end: number): string[] =>
  Array.from({ length: end - first }, (_, index) => `user-${first + index}`);

faultRow(43, "a pod that holds 10,000 links is killed: its users move at the pace, spread, each once", async (row) => {
  await using place = await Place.start(row);
  await using processes = new PodProcesses(row);
  const app = await processes.start({
    podIndex: 0,
    redisUrl: place.redis.url,
    server: { verifyIntervalMs: 60_000 },
  });
  const took = await fetch(`${app.url}/?take=${LINKS}`, { method: "POST" });
  expect(await took.json()).toEqual({ held: LINKS });
  const others = await Promise.all(
    [1, 2].map((index) => place.pod(index, { server: PROCESS_TIMES, routes: PROCESS_ROUTES })),
  );
  const observer = await place.caller(slow);
  const callers = [await place.caller(slow), await place.caller(slow)];
  for (const caller of [observer, ...callers]) await routable(caller, 3);
  const uids = usersFrom(0, ASKING);
  const [own, shared] = [[uids.slice(0, OWN), uids.slice(OWN, 2 * OWN)], uids.slice(2 * OWN)];
  const before = await Promise.all(uids.map(async (uid) => (await storedLink(observer, uid))!.token));

  // The first attempt to move anybody, by the wall clock, which Redis shares, and by the one of this process.
  let firstMove: { readonly wallMs: number; readonly atMs: number } | undefined;
  using moving = row.failpoint("before-replace", {
    run: () => void (firstMove ??= { wallMs: Date.now(), atMs: performance.now() }),
  });
  const work = await linkCommands(place.redis);
  const flights = callers.map((caller) => caller.read()["flights"]!);

  await app.kill();
  const told = await Promise.all(
    callers.map((caller, index) => askUntilMoved(row, caller, { uids: [...own[index]!, ...shared], from: 0 })),
  );
  expect(moving.hits).toBeGreaterThanOrEqual(ASKING);
  const tookMs = performance.now() - firstMove!.atMs;
  const done = await linkCommands(place.redis);

  // Nothing moves before the lease and the grace are over; then no caller moves faster than it may, in no window.
  const lastReportMs = -Number(await place.redis.cli("ZSCORE", "pl:{prod/room}:beats", 0));
  expect(firstMove!.wallMs).toBeGreaterThanOrEqual(lastReportMs + leaseMs + failover.graceMs);
  for (const [index, { moved }] of told.entries()) {
    const byThisCaller = moved.filter(({ link }) => own[index]!.includes(link.uid));
    expect(byThisCaller).toHaveLength(OWN);
    expect(beyondPace(byThisCaller, PACE)).toBeLessThanOrEqual(0);
  }
  // Who has to wait hears how long, and those who hear it together don't come back together.
  const together: number[] = [];
  for (const { refused } of told) {
    for (const { code, retryAfterMs } of refused) {
      expect(code).toBe("POD_UNAVAILABLE");
      expect(retryAfterMs).toBeGreaterThan(0);
    }
    expect(new Set(refused.slice(0, FIRST_WAVE).map(({ retryAfterMs }) => retryAfterMs)).size).toBeGreaterThan(10);
    const first = refused.filter(({ atMs }) => atMs >= firstMove!.atMs).slice(0, FIRST_WAVE);
    expect(first).toHaveLength(FIRST_WAVE);
    together.push(mostTogether(first));
    expect(together.at(-1)).toBeLessThan(FIRST_WAVE / 4);
  }

  // However many requests of a user wait, it is one operation at a caller; a moved user costs Redis a bounded number.
  const flown = callers.reduce((sum, caller, index) => sum + caller.read()["flights"]! - flights[index]!, 0);
  const asked = told.reduce((sum, { moved, refused }) => sum + 2 * moved.length + refused.length, 0); // each asked first, too
  expect(flown).toBeLessThanOrEqual(asked);
  // Each begins with one, and nobody else makes any; a few may be asked twice.
  expect(done["hsetnx"]! - work["hsetnx"]!).toBeLessThan(1.1 * asked);
  const commandsEach = LINK_COMMANDS.reduce((sum, name) => sum + done[name]! - work[name]!, 0) / ASKING;
  expect(commandsEach).toBeLessThan(MOST_COMMANDS);

  // All who asked are served by other pods, moved once each, whichever caller did it; nobody else was moved.
  expect(callers.reduce((sum, caller) => sum + caller.read()["replacements"]!, 0)).toBe(ASKING);
  const links = told.flatMap(({ moved }) => moved.map(({ link }) => link));
  await Promise.all(
    uids.map(async (uid, index) => {
      const [link, ...same] = links.filter((each) => each.uid === uid);
      const { podIndex, token } = link!;
      for (const other of same) expect(other).toMatchObject({ podIndex, token });
      expect(Number(token)).toBeGreaterThan(Number(before[index]));
      const answer = await others[podIndex - 1]!.pod.driver.guard(uid, { timeoutMs: 5000 });
      expect(answer).toMatchObject({ ok: true, link: { podIndex, kind: "owned" } });
    }),
  );
  const away = usersFrom(ASKING, LINKS);
  for (let first = 0; first < away.length; first += 500) {
    const some = away.slice(first, first + 500);
    expect((await observer.client.batchGetLinkedPod({ service: SERVICE, uids: some })).get(0)).toEqual(some);
  }
  const heldMs = Math.round(firstMove!.wallMs - lastReportMs);
  row.saw(
    `nobody moved for ${heldMs} ms of 3500; then ${ASKING} users by 2 callers in ${Math.round(tookMs)} ms, ` +
      `${Math.round(commandsEach)} commands of Redis each; at most ${Math.max(...together)} of ${FIRST_WAVE} came back in the same 100 ms`,
  );
});

/** How often Redis has executed what operations on links consist of, by scripts; some of it is of pods' reports, too. */
async function linkCommands(redis: RedisServer): Promise<Record<string, number>> {
  const stats = await redis.info("commandstats");
  const calls = (command: string): number => Number(/calls=(\d+)/.exec(stats[`cmdstat_${command}`] ?? "")?.[1] ?? 0);
  return Object.fromEntries(LINK_COMMANDS.map((command) => [command, calls(command)]));
}

/** The most who come back within a tenth of a second. */
function mostTogether(refused: readonly RefusedUser[]): number {
  const backAtMs = refused.map(({ atMs, retryAfterMs }) => atMs + retryAfterMs!);
  return Math.max(...backAtMs.map((fromMs) => backAtMs.filter((ms) => ms >= fromMs && ms < fromMs + 100).length));
}
