import { startRedis } from "@podlink/testkit/redis";
import { Ends } from "./ends.ts";
import type { Seen } from "./figure.ts";
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

/** What a baseline should come to on a machine of these speeds. */
export const expectedBaseline = ({ baseline, scaledBy }: Seen, speeds: Speeds): number =>
  scaledBy === "exact" ? baseline : (baseline * speeds[scaledBy]) / SEEN[scaledBy];

/** Measures this machine. `tiny`: only to show that it works. */
export async function calibrate(
  { tiny, pin }: { tiny: boolean; pin: boolean },
  ends: Ends = new Ends(),
): Promise<Speeds> {
  try {
    const server = await startRedis();
    ends.add(() => server.end());
    if (pin) pinToRedisCore(server.pid);
    const raw = await connectRaw(server);
    ends.add(() => raw.end());
    const total = tiny ? 200 : 50_000;
    const set = async (callers: number): Promise<number> => {
      const rounds: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        rounds.push(await raw.nsEachSet(callers, total, `${callers}-${round}-`));
      }
      return median(rounds);
    };
    const alone = await usPercentile(0.5, tiny ? 20 : 2000, (turn) => raw.nsEachSet(1, 1, `alone-${turn}-`));
    return {
      mapGet: mapGet(tiny ? 1 : 100),
      rawSet1: alone * 1000,
      rawSet64: await set(64),
      rawSet256: await set(256),
      rawSet1024: await set(1024),
    };
  } finally {
    await ends.end();
  }
}

function mapGet(timesOver: number): number {
  const uids = Array.from({ length: ENTRIES }, (_, index) => `user-${(index * 7919) % ENTRIES}`);
  const map = new Map(uids.map((uid, index) => [uid, index]));
  let sum = 0; // used below, so that no call can be left out
  const round = (): number =>
    nsEach(timesOver * ENTRIES, () => {
      for (let turn = 0; turn < timesOver; turn += 1) for (const uid of uids) sum += map.get(uid) ?? Number.NaN;
    });
  const rounds = Array.from({ length: ROUNDS + 2 }, round).slice(2);
  if (Number.isNaN(sum)) throw new Error("a key was not in the map");
  return median(rounds);
}
