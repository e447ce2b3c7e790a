import type { Figure } from "../figure.ts";
import { nsEachBy, onRedis } from "./redis.ts";

const LINKS = 200_000;

/** What a persistent link costs in Redis. */
export const redisBytes: Figure = {
  id: "redis-bytes",
  title: `Redis bytes a persistent link, ${LINKS} of one service, token, incarnation and op id on board`,
  baseline: "the original's two keys: a string, and the service in an index hash",
  goal: 1,
  unit: "bytes",
  pairs: 1,
  async prepare() {
    const { executor, bare, usedBytes, end } = await onRedis();
    const grownBy = (make: (turn: number) => Promise<unknown>) => async (): Promise<number> => {
      const before = await usedBytes();
      await nsEachBy(512, LINKS, make);
      return ((await usedBytes()) - before) / LINKS;
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
    return { ours: { run: ours }, baseline: { run: twoKeys }, end };
  },
};
