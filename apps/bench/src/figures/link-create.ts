import type { Executor } from "../support/bare-links.ts";
import { bareSet, create } from "../support/bare-links.ts";
import type { Figure, Preparation, Seen, Sides } from "../measure/figure.ts";
import { nsEachBy, usPercentile } from "../measure/timing.ts";
import { onCluster, onRedis } from "../support/redis.ts";

/** A round lasts a few tenths of a second, so that no single collection of garbage decides it. */
const LINKS = 60_000;
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
    const { executor, bare } = await onRedis(preparation);
    const waits = preparation.tiny ? 10 : 2000;
    return inRounds((ours, prefix) =>
      usPercentile(0.5, waits, (turn) => (ours ? create(executor, prefix, turn) : bareSet(bare, prefix, turn))),
    );
  },
};

function sides({ executor, bare }: Executor, { tiny }: Preparation, callers: number): Sides {
  const links = tiny ? 100 : LINKS;
  return inRounds((ours, prefix) =>
    nsEachBy(callers, links, (turn) => (ours ? create(executor, prefix, turn) : bareSet(bare, prefix, turn))),
  );
}

/** Every round makes links that were not there before. */
function inRounds(run: (ours: boolean, prefix: string) => Promise<number>): Sides {
  let round = 0;
  return {
    ours: { run: () => run(true, `o${(round += 1)}-`) },
    baseline: { run: () => run(false, `b:${(round += 1)}:`) },
  };
}
