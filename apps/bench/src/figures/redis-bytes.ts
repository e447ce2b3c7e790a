import type { Figure } from "../measure/figure.ts";
import { nsEachBy } from "../measure/timing.ts";
import { onRedis } from "../support/redis.ts";

const LINKS = 1_000_000;

/** What a persistent link costs in Redis. */
export const redisBytes: Figure = {
  id: "redis-bytes",
  title: `Redis bytes a persistent link, ${LINKS} of one service, token, incarnation and op id on board`,
  baseline: "the original's two keys: a string, and the service in an index hash",
  unit: "bytes",
  goal: { ratioAtMost: 1 },
  seen: { baseline: 209, scaledBy: "exact" },
  pairs: 1, // Redis counts, and the same data cost the same
  async prepare(preparation) {
    const { executor, bare, usedBytes } = await onRedis(preparation);
    const links = preparation.tiny ? 1000 : LINKS;
    const grownBy = (make: (turn: number) => Promise<unknown>) => async (): Promise<number> => {
      const before = await usedBytes();
      await nsEachBy(1024, links, make);
      return ((await usedBytes()) - before) / links;
    };
    const ours = grownBy((turn) =>
      executor.execute({
        kind: "set",
        namespace: "prod",
        service: "room",
        uid: `user-${turn}`,
        owner: { podIndex: turn % 100, incarnation: 1_795_173_116_480 },
        lifetime: "persistent",
      }),
    );
    const twoKeys = grownBy((turn) =>
      Promise.all([
        bare.set(`prod:room:linked:user-${turn}`, String(turn % 100)),
        bare.hset(`prod:services:user-${turn}`, "room", String(turn % 100)),
      ]),
    );
    return { ours: { run: ours }, baseline: { run: twoKeys } };
  },
};
