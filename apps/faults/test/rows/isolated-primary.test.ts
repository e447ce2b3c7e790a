import type { FaultRow } from "@podlink/faults";
import { faultRow } from "@podlink/faults";
import type { RedisExecutor } from "@podlink/redis-executor";
import type { ServerDriverOptions } from "@podlink/server-driver";
import { Lateness } from "@podlink/testkit";
import { compareTokens, RouteError } from "@podlink/types";
import { setTimeout } from "node:timers/promises";
import { expect, vi } from "vitest";
import { LONG_LEASE, SOON, StorePods, users } from "./support/store-pods.ts";
import { StoreWrites } from "./support/store-writes.ts";
import { IsolatedPrimary, RECOMMENDED, linksOn } from "./support/topology-isolation.ts";
import { FencedStorage } from "./support/topology-storage.ts";

/** The pod that stays on the side of the old primary. */
const LEFT_BEHIND = 0;

/** Writes of users at pods with sessions over one fenced storage; each answers with how it ended. */
function writersOf(row: FaultRow, world: StorePods, storage: FencedStorage) {
  const sessions = world.pods.map((pod) => storage.sessionsOf(pod));
  const at = (podIndex: number, uid: string): Promise<string> =>
    row.request(async () => {
      try {
        await sessions[podIndex]?.use(uid, (_, { fence }) => storage.write(uid, fence), { timeoutMs: 5000 });
        return "written";
      } catch (error) {
        return RouteError.from(error).code;
      }
    });
  /** Where the caller is led to. */
  const led = async (uid: string): Promise<string> => at((await world.served(uid)).by, uid);
  /** At one of the pods that have moved: a caller may still take the one left behind for alive, and lead users there. */
  const moved = (uid: string): Promise<string> => at(uid.endsWith("1") ? 2 : 1, uid);
  /** In time: a store that is slow to answer is asked again. */
  const written = (write: () => Promise<string>): Promise<void> =>
    vi.waitFor(async () => expect(await write()).toBe("written"), SOON);
  return { at, moved, led, written };
}

/** Resolves with the moment from which another server than before answers. */
const whenMoved = (store: RedisExecutor): Promise<number> =>
  new Promise((resolve) => {
    store.watchStore((event) => {
      if (event.kind === "epoch") resolve(performance.now());
    });
  });

const startWorld = (redis: IsolatedPrimary, server: Partial<ServerDriverOptions> = {}): Promise<StorePods> =>
  StorePods.start((podIndex) => (podIndex === LEFT_BEHIND ? redis.minority : redis.majority), { pods: 3, server });

faultRow(
  12,
  "a pod stays with the isolated primary: writes keep the order of tokens, what is lost is told",
  async (row) => {
    await using redis = await IsolatedPrimary.start();
    await using world = await startWorld(redis, LONG_LEASE);
    const [caller] = world.callers;
    if (caller === undefined) throw new Error("nobody calls");
    const storage = new FencedStorage();
    const { at, moved: other, written } = writersOf(row, world, storage);
    const behind = world.pod(LEFT_BEHIND);
    const kept = users("kept", 20);
    for (const uid of kept) await written(() => at(LEFT_BEHIND, uid));
    await using writes = new StoreWrites(
      caller.store,
      (write) => row.request(write),
      (turn) => `written-${turn}`,
    );
    await vi.waitFor(() => expect(writes.acknowledged.length).toBeGreaterThan(5), SOON);

    const moved = whenMoved(caller.store);
    await redis.isolate(row);
    const detectedAt = await redis.detected();
    using lateness = new Lateness();
    // Until its client has moved, the old primary acknowledges its writes as before.
    const movedAt = await moved;
    const resumedAt = await vi.waitFor(() => {
      const at = writes.resumedAfter(Math.max(detectedAt, movedAt));
      if (at === undefined) throw new Error("nothing is acknowledged");
      return at;
    }, SOON);
    const resumedMs = resumedAt - detectedAt;
    expect(resumedMs).toBeLessThan(2000 + lateness.totalMs);
    await vi.waitFor(() => expect(world.told("epoch-changed")).toEqual([0, 1, 1]), SOON);

    // Both sides go on: some users come to the pod left behind alone, some to both sides, first there or first here.
    const lost = users("lost", 20);
    const there = users("there", 10);
    const here = users("here", 10);
    const both = [...there, ...here];
    for (const uid of [...lost, ...there]) await written(() => at(LEFT_BEHIND, uid));
    for (const uid of here) await written(() => other(uid));
    for (let round = 0; round < 4; round += 1) {
      for (const uid of both) {
        await written(() => at(LEFT_BEHIND, uid));
        await written(() => other(uid));
      }
    }
    // So each of these has two pods that hold him, each by its own primary; from then on every change of sides was refused first.
    for (const uid of both) expect(world.pods.filter(({ driver }) => driver.isHeld(uid))).toHaveLength(2);
    expect(storage.refused).toBeGreaterThanOrEqual(6 * both.length);
    const survived = await linksOn(redis.next);
    expect(lost.filter((uid) => survived.has(uid))).toEqual([]);
    const onOld = await linksOn(redis.old);
    expect([...kept, ...lost, ...both].filter((uid) => !onOld.has(uid))).toEqual([]);
    const before = behind.driver.read();
    const tokens = new Map([...kept, ...lost].map((uid) => [uid, storage.lastFence(uid)?.token ?? ""]));
    expect(before["held"]).toBe(80 - kept.length);

    await redis.heal();
    const healedAt = performance.now();
    await vi.waitFor(() => {
      expect(world.told("epoch-changed")).toEqual([1, 1, 1]);
      expect(behind.driver.read()["unverified"]).toBe(0);
    }, SOON);
    const againMs = performance.now() - healedAt;
    // What only it knew is stored again, under higher tokens; who was taken by others meanwhile is theirs.
    for (const [uid, token] of tokens) {
      const stored = await world.stored(uid);
      expect(stored).toMatchObject({ podIndex: LEFT_BEHIND, kind: "owned" });
      expect(compareTokens(stored?.token ?? "0", token)).toBeGreaterThan(0);
    }
    const after = behind.driver.read();
    expect(after["held"]).toBe(kept.length + lost.length);
    expect(after["registrations"]).toBe(2);
    expect(after["claims"]).toBeGreaterThanOrEqual((before["claims"] ?? 0) + kept.length + lost.length + both.length);
    const overlaps = world.watch.violationCount;
    for (const uid of both) {
      expect(await at(LEFT_BEHIND, uid)).toBe("NOT_HOLDER");
      await written(() => other(uid));
    }
    for (const uid of [...kept, ...lost]) await written(() => at(LEFT_BEHIND, uid));
    await writes.end();
    storage.checkOrder();
    await world.watch.close();
    // The only thing that was ever wrong: those users had two holders, and two orders of tokens, while there were two primaries.
    for (const { invariant, message } of world.watch.violations) {
      expect(["holders", "tokens"]).toContain(invariant);
      expect(message).toMatch(/^"(?:there|here)-\d+" /);
    }
    expect(world.watch.violationCount).toBe(overlaps);
    row.saw(
      `writes resumed ${Math.round(resumedMs)} ms after detection; ${lost.length} links lost, claimed again ${Math.round(againMs)} ms after the old primary followed; ` +
        `${both.length} users on both sides: ${storage.accepted.length} writes in the order of tokens, ${storage.refused} refused`,
    );
  },
);

faultRow(
  12,
  "with min-replicas-to-write the isolated primary soon takes nothing from a pod that stays with it",
  async (row) => {
    await using redis = await IsolatedPrimary.start({ config: RECOMMENDED });
    await using world = await startWorld(redis);
    const storage = new FencedStorage();
    const { at, moved: other, led, written } = writersOf(row, world, storage);
    const behind = world.pod(LEFT_BEHIND);
    await written(() => at(LEFT_BEHIND, "kept"));
    await redis.isolate(row);
    const isolatedAt = performance.now();
    let lastTakenAt = isolatedAt;
    const lost: string[] = [];
    for (let turn = 0; ; turn += 1) {
      const outcome = await at(LEFT_BEHIND, `lost-${turn}`);
      if (outcome !== "written") {
        expect(outcome).toBe("POD_UNAVAILABLE");
        break;
      }
      lastTakenAt = performance.now();
      lost.push(`lost-${turn}`);
      await setTimeout(10);
    }
    await redis.detected();
    await vi.waitFor(() => expect(world.told("epoch-changed")).toEqual([0, 1, 1]), SOON);
    // Nothing new for the pod left behind, and at the end of its lease nothing at all; the others have no such limit.
    expect(await at(LEFT_BEHIND, "newcomer")).toBe("POD_UNAVAILABLE");
    await written(() => other("newcomer"));
    await vi.waitFor(() => expect(behind.driver.state.phase).toBe("fenced"), SOON);
    expect(await at(LEFT_BEHIND, "kept")).toBe("POD_UNAVAILABLE");
    await redis.heal();
    expect(world.told("fenced")).toEqual([1, 0, 0]);
    await vi.waitFor(() => expect(behind.driver.read()).toMatchObject({ registrations: 2, unverified: 0 }), SOON);
    expect(behind.driver.read()["held"]).toBe(lost.length + 1);
    for (const uid of lost) await written(() => led(uid));
    storage.checkOrder();
    await world.checkInvariants();
    row.saw(
      `it took writes for ${Math.round(lastTakenAt - isolatedAt)} ms, ${lost.length} links were lost; ` +
        `then its pod was refused, and stopped at the end of its lease`,
    );
  },
);
