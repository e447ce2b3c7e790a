import type { RedisServer } from "@podlink/testkit/redis";
import { sleep } from "@podlink/types";
import { Redis } from "ioredis";

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
  let isOver = false;
  const watch = async (): Promise<void> => {
    while (!isOver) {
      const dueMs = performance.now() + ASK_EVERY_MS;
      await sleep(ASK_EVERY_MS);
      await redis.ping().catch(() => undefined);
      const toMs = performance.now();
      if (toMs - dueMs > STALL_MS && !isOver) stalls.push({ fromMs: dueMs, toMs });
    }
  };
  void watch();
  return {
    stalls,
    close() {
      isOver = true;
      redis.disconnect();
    },
  };
}
