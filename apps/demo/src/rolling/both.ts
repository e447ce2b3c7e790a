import { Supervisor } from "@podlink/testkit";
import { startRedis } from "@podlink/testkit/redis";
import type { HashSideOptions } from "./hash-side.ts";
import { hashSide } from "./hash-side.ts";
import { podlinkSide } from "./podlink-side.ts";
import type { Rolled, RollingLoad } from "./rolling-restart.ts";
import { rollingRestart } from "./rolling-restart.ts";

/** The same restart under the same load on either side, one after the other, each on a Redis of its own. */
export async function rollBoth(options: RollingLoad & HashSideOptions, say: (text: string) => void): Promise<Rolled[]> {
  const rolled: Rolled[] = [];
  for (const start of [podlinkSide, hashSide]) {
    await using redis = await startRedis();
    await using supervisor = new Supervisor();
    const side = await start(supervisor, redis.url, options);
    say(`${side.name}: restarting ${options.pods} pods ...`);
    rolled.push(await rollingRestart(side, options));
    await side.end();
  }
  return rolled;
}
