import { Redis } from "ioredis";
import type { RedisServer } from "@podlink/testkit/redis";

/** A time in which the machine gave somebody no turn. */
export interface Stall {
  readonly fromMs: number;
  readonly toMs: number;
}

const ASK_EVERY_MS = 50;
/** Half of what a command of the session store may take: it takes a fraction of a millisecond where there are processors. */
const STALL_MS = 250;

/**
 * Notices when this machine has too little for the run: a server that nobody disturbs, asked over and over, takes long to answer, or
 * the one who asks gets no turn. What users see then is not podlink's doing, and it is said how much that was.
 */
export function watchStalls(server: RedisServer): { readonly stalls: readonly Stall[]; close(): void } {
  const stalls: Stall[] = [];
  const redis = new Redis({ path: server.path, username: "watcher", password: "watcher" });
  redis.on("error", () => undefined); // the run is over
  let askedMs = performance.now();
  const ask = async (): Promise<void> => {
    const fromMs = askedMs;
    await redis.ping().catch(() => undefined);
    const toMs = performance.now();
    if (toMs - fromMs > STALL_MS) stalls.push({ fromMs, toMs });
  };
  const timer = setInterval(() => {
    void ask();
    askedMs = performance.now() + ASK_EVERY_MS; // when the next one is due
  }, ASK_EVERY_MS);
  return {
    stalls,
    close() {
      clearInterval(timer);
      redis.disconnect();
    },
  };
}
