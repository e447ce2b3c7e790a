import { RouteInfoDriver } from "@podlink/route-info-driver";
import type { ServiceRoutes } from "@podlink/route-info-driver";
import { DEFAULTS } from "@podlink/types";
import type { Figure, Preparation, Sides } from "../measure/figure.ts";
import { nsEach } from "../measure/timing.ts";
import { registerPods } from "../support/rows.ts";
import type { Rows } from "../support/rows.ts";
import { redisServer, storeOn } from "../support/redis.ts";

const [FEW, MANY] = [10, 10_000];
const PLACEMENTS = 3_000_000;
/** The share of the pods whose load moved enough to be told, between two readings of a caller. */
const CHANGED = 0.01;
const REFRESHES = 20;

/** Placing must not become dearer with the number of pods. */
export const growthPlacement: Figure = {
  id: "growth-pods",
  variant: "placement",
  title: `routes.bestIndex() among ${MANY} pods`,
  baseline: `the same among ${FEW}`,
  unit: "ns",
  goal: { ratioAtMost: 1.5 },
  prepare: (preparation) =>
    sides(preparation, ({ routes }) => {
      const placements = preparation.tiny ? 100 : PLACEMENTS;
      let missing = 0;
      const each = nsEach(placements, () => {
        for (let turn = 0; turn < placements; turn += 1) if (routes.bestIndex() === undefined) missing += 1;
      });
      if (missing > 0) throw new Error("no pod was found");
      return each;
    }),
};

/** Following the pods may cost as much more as there are more of them, and little. */
export const growthRefresh: Figure = {
  id: "growth-pods",
  variant: "refresh",
  title: `a caller's CPU for reading ${MANY} pods every ${DEFAULTS.stateRefreshMs} ms, 1 % of them changed since`,
  baseline: `the same for ${FEW}, times ${MANY / FEW}`,
  unit: "% of a core",
  goal: { ratioAtMost: 1, oursAtMost: 1 },
  prepare: (preparation) =>
    sides(preparation, async ({ routes, rows, timesMore }) => {
      let usedUs = 0;
      const refreshes = preparation.tiny ? 2 : REFRESHES;
      for (let turn = 0; turn < refreshes; turn += 1) {
        await rows.change(CHANGED);
        const before = process.cpuUsage();
        await routes.cache.refresh({ timeoutMs: 10_000 });
        const { user, system } = process.cpuUsage(before);
        usedUs += user + system;
      }
      return (usedUs / refreshes / (DEFAULTS.stateRefreshMs * 1000)) * 100 * timesMore;
    }),
};

interface Scene {
  readonly routes: ServiceRoutes;
  readonly rows: Rows;
  /** 1 for the many; for the few, how many times as many the many are. */
  readonly timesMore: number;
}

async function sides(preparation: Preparation, run: (scene: Scene) => Promise<number> | number): Promise<Sides> {
  const server = await redisServer(preparation);
  const store = await storeOn(server, preparation);
  const many = preparation.tiny ? 100 : MANY;
  const scene = async (service: string, pods: number): Promise<Scene> => {
    const rows = await registerPods(store, { namespace: "bench", service, pods });
    const driver = new RouteInfoDriver(
      { directory: store, catalogue: store, namespace: "bench" },
      // Read when we say so; and no pod in its slow start, as it is but for half a minute of its life.
      { commandTimeoutMs: 5000, stateRefreshMs: 600_000, silenceMs: 600_000, slowStartMs: 0 },
    );
    preparation.defer(() => driver.close());
    const routes = driver.service(service);
    await routes.init({ timeoutMs: 10_000 });
    return { routes, rows, timesMore: many / pods };
  };
  const few = await scene("few", FEW);
  const all = await scene("many", many);
  return { ours: { run: () => run(all) }, baseline: { run: () => run(few) } };
}
