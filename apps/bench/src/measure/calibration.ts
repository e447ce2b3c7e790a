import { startRedis } from "@podlink/testkit/redis";
import type { Preparation, Seen } from "./figure.ts";
import { median } from "./median.ts";
import { nsEach, usPercentile } from "./timing.ts";
import { pinToRedisCore } from "../support/cores.ts";
import { connectRaw } from "../support/raw-redis.ts";

/** How fast a machine is, in nanoseconds for each operation. */
export interface Speeds {
  /** `Map.get` among 10,000. */
  readonly mapGet: number;
  /** `SET NX GET EX` over a bare socket by so many callers: with one, the median of the waits. */
  readonly rawSet1: number;
  readonly rawSet64: number;
  readonly rawSet256: number;
  readonly rawSet1024: number;
}

/** The machine on which the goals were set: 2 cores, Redis 7.0.15, Node 20.20. */
const SEEN: Speeds = {
  mapGet: 26,
  rawSet1: 66_000,
  rawSet64: 1e9 / 268_000,
  rawSet256: 1e9 / 416_000,
  rawSet1024: 1e9 / 419_000,
};

const ROUNDS = 5;
const ENTRIES = 10_000;

/** What a baseline that was seen there should come to here and now. */
export async function expectedBaseline({ baseline, scaledBy }: Seen, gauges: Gauges): Promise<number> {
  if (scaledBy === "exact") return baseline;
  const core = (await gauges.measure("mapGet")) / SEEN.mapGet;
  if (scaledBy === "core") return baseline * core;
  const { socket, unitNs } = scaledBy;
  const own = baseline - SEEN[socket] / unitNs;
  return own * core + (await gauges.measure(socket)) / unitNs;
}

/** Tells how fast this machine is now: others on it may make it slower or faster at any time. */
export interface Gauges {
  measure(speed: keyof Speeds): Promise<number>;
}

/** Starts what is needed to measure this machine. `tiny`: only to show that it works. */
export async function openGauges({ tiny, pin, defer }: Preparation): Promise<Gauges> {
  const server = await startRedis();
  defer(() => server.end());
  if (pin) pinToRedisCore(server.pid);
  const raw = await connectRaw(server);
  defer(() => raw.end());
  const total = tiny ? 200 : 50_000;
  const set = async (callers: number): Promise<number> => {
    const each =
      callers === 1
        ? 1000 * (await usPercentile(0.5, tiny ? 20 : 2000, (turn) => raw.nsEachSet(1, 1, `alone-${turn}-`)))
        : await raw.nsEachSet(callers, total, "key-");
    await server.cli("FLUSHALL");
    return each;
  };
  const map = mapGet(tiny ? 1 : 100);
  const measured = {
    mapGet: async () => map(),
    rawSet1: () => set(1),
    rawSet64: () => set(64),
    rawSet256: () => set(256),
    rawSet1024: () => set(1024),
  };
  return { measure: (speed) => measured[speed]() };
}

/** All speeds, each as the median of several rounds. */
export async function calibrate(gauges: Gauges): Promise<Speeds> {
  const speedOf = async (speed: keyof Speeds): Promise<number> => {
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) rounds.push(await gauges.measure(speed));
    return median(rounds);
  };
  return {
    mapGet: await speedOf("mapGet"),
    rawSet1: await speedOf("rawSet1"),
    rawSet64: await speedOf("rawSet64"),
    rawSet256: await speedOf("rawSet256"),
    rawSet1024: await speedOf("rawSet1024"),
  };
}

/** Measures it whenever it is called; has warmed up by then. */
function mapGet(timesOver: number): () => number {
  const uids = Array.from({ length: ENTRIES }, (_, index) => `user-${(index * 7919) % ENTRIES}`);
  const map = new Map(uids.map((uid, index) => [uid, index]));
  let sum = 0; // used below, so that no call can be left out
  const round = (): number => {
    const each = nsEach(timesOver * ENTRIES, () => {
      for (let turn = 0; turn < timesOver; turn += 1) for (const uid of uids) sum += map.get(uid) ?? Number.NaN;
    });
    if (Number.isNaN(sum)) throw new Error("a key was not in the map");
    return each;
  };
  round();
  round();
  return round;
}
