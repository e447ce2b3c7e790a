import { bareSet, create } from "../support/bare-links.ts";
import type { Figure, Preparation, Seen, Sides } from "../measure/figure.ts";
import { nsEachBy, usPercentile } from "../measure/timing.ts";
import type { OnServers } from "../support/redis.ts";
import { forgetKeys, onCluster, onRedis } from "../support/redis.ts";

/** A round lasts a few tenths of a second, so that no single collection of garbage decides it. */
const LINKS = 50_000;
/**
 * What a master holds already, and keeps. Together with a round's links it is less than 131,072: a table that is full is
 * doubled, key by key, at the cost of whoever writes then, and that went on for half of a round or two.
 */
const KEPT = 70_000;
/** They have an expiry as what is made has: it stands in a table of its own. */
const DAY_S = 86_400;
const OF_ROUNDS = "round-";
const BASELINE = "ioredis SET NX GET PX: no token, no op id, no record";

/** New links over 100 pods, asked for by many callers at a time. */
export function linkCreate(callers: 64 | 256 | 1024, goal: number, seenPerSecond: number): Figure {
  return {
    id: "link-create",
    variant: String(callers),
    title: `new links over 100 pods, ${callers} callers`,
    baseline: BASELINE,
    unit: "ns",
    goal: { ratioAtLeast: goal },
    seen: { baseline: 1e9 / seenPerSecond, scaledBy: { socket: `rawSet${callers}`, unitNs: 1 } } satisfies Seen,
    prepare: async (preparation) => sides(await onRedis(preparation), preparation, callers),
  };
}

/** The same where each link has to go to the node of its slot. */
export const linkCreateCluster: Figure = {
  id: "link-create-cluster",
  title: "new links over 100 pods, 256 callers, 3 masters",
  baseline: "ioredis Cluster, SET NX GET PX",
  unit: "ns",
  goal: { ratioAtLeast: 1.7 },
  seen: { baseline: 1e9 / 96_000, scaledBy: { socket: "rawSet256", unitNs: 1 } },
  prepare: async (preparation) => sides(await onCluster(preparation), preparation, 256),
};

/** One caller that waits for each: nothing can be batched. */
export const linkCreateOne: Figure = {
  id: "link-create-one",
  title: "a new link, one caller, median wait",
  baseline: BASELINE,
  unit: "us",
  goal: { ratioAtMost: 1.25 },
  seen: { baseline: 78.5, scaledBy: { socket: "rawSet1", unitNs: 1000 } },
  async prepare(preparation) {
    const links = preparation.tiny ? 10 : 2000;
    return inRounds(await onRedis(preparation), preparation, {
      links,
      run: (create) => usPercentile(0.5, links, create),
    });
  },
};

function sides(on: OnServers, preparation: Preparation, callers: number): Promise<Sides> {
  const links = preparation.tiny ? 100 : LINKS;
  return inRounds(on, preparation, { links, run: (create) => nsEachBy(callers, links, create) });
}

interface Round {
  readonly links: number;
  /** Makes them all, and says what each cost. */
  readonly run: (create: (turn: number) => Promise<unknown>) => Promise<number>;
}

/** Every round makes links that were not there before, and are gone before the next. */
async function inRounds(
  { executor, bare, servers }: OnServers,
  { tiny }: Preparation,
  { links, run }: Round,
): Promise<Sides> {
  await nsEachBy(256, tiny ? 100 : KEPT * servers.length, (turn) => bare.set(`kept:${turn}`, "0", "EX", DAY_S));
  const round = async (side: (turn: number) => Promise<unknown>): Promise<number> => {
    const cost = await run(side);
    let made = 0;
    for (const server of servers) made += await forgetKeys(server, `*${OF_ROUNDS}*`);
    if (made !== links) throw new Error(`${made} of ${links} links are there`);
    return cost;
  };
  return {
    ours: { run: () => round((turn) => create(executor, OF_ROUNDS, turn)) },
    baseline: { run: () => round((turn) => bareSet(bare, OF_ROUNDS, turn)) },
  };
}
