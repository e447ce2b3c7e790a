import type { Figure } from "../measure/figure.ts";
import { nsEachBy } from "../measure/timing.ts";
import { onRedis } from "../support/redis.ts";

const LINKS = 1_000_000;
const CALLERS = 1024;
/** A uid stands in two keys of the original and in one of ours, and memory comes in steps of 16 bytes: so all lengths count. */
const UID_LENGTHS = { least: 8, most: 36 } as const;

/** What a persistent link costs in Redis. */
export const redisBytes: Figure = {
  id: "redis-bytes",
  title: `Redis bytes a persistent link, ${LINKS} of one service, uids of ${UID_LENGTHS.least} to ${UID_LENGTHS.most} characters, token, incarnation and op id on board`,
  baseline: "the original's two keys: a string, and the service in an index hash",
  unit: "bytes",
  goal: { ratioAtMost: 1 },
  seen: { baseline: 209, scaledBy: "exact" },
  pairs: 1, // Redis counts, and the same data cost the same
  async prepare(preparation) {
    const { executor, bare, usedBytes } = await onRedis(preparation);
    const links = preparation.tiny ? 1000 : LINKS;
    /** Each side begins with an empty server: one that holds much already has larger tables. */
    const grownBy = (make: (uid: string, podIndex: number) => Promise<unknown>) => async (): Promise<number> => {
      await make("first", 0); // loads the scripts
      await bare.flushall();
      const before = await usedBytes();
      await nsEachBy(CALLERS, links, (turn) => make(uidOf(turn), turn % 100));
      await bare.slowlog("RESET");
      return ((await usedBytes()) - before) / links;
    };
    const ours = grownBy((uid, podIndex) =>
      executor.execute(
        {
          kind: "set",
          namespace: "prod",
          service: "room",
          uid,
          owner: { podIndex, incarnation: 1_795_173_116_480 },
          lifetime: "persistent",
        },
        { timeoutMs: 10_000 },
      ),
    );
    const twoKeys = grownBy((uid, podIndex) =>
      Promise.all([
        bare.set(`sf:{prod:lk:${uid}}room`, String(podIndex)),
        bare.hset(`sf:{prod:lk:${uid}}`, "room", String(podIndex)),
      ]),
    );
    return { ours: { run: ours }, baseline: { run: twoKeys } };
  },
};

/** As many of each length. */
function uidOf(turn: number): string {
  const { least, most } = UID_LENGTHS;
  return String(turn).padStart(least + (turn % (most - least + 1)), "user-of-this-game-");
}
