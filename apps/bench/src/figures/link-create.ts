import type { Figure } from "../figure.ts";
import { nsEachBy, onRedis } from "./redis.ts";

const PODS = 100;
const LINKS = 20_000;
const TTL_MS = 300_000;

/** New links over 100 pods, asked for by many callers at a time. */
export function linkCreate(callers: number, goal: number): Figure {
  return {
    id: `link-create-${callers}`,
    title: `new links over ${PODS} pods, ${callers} callers`,
    baseline: "ioredis SET NX GET EX: no token, no op id, no record",
    goal,
    async prepare() {
      const { executor, bare, end } = await onRedis();
      const lifetime = { ttlMs: TTL_MS };
      let round = 0;
      return {
        ours: {
          run: () => {
            const prefix = `o${(round += 1)}-`;
            return nsEachBy(callers, LINKS, (turn) => {
              const uid = prefix + turn;
              const owner = { podIndex: turn % PODS };
              return executor.execute({
                kind: "setIfAbsent",
                namespace: "bench",
                service: "room",
                uid,
                owner,
                lifetime,
              });
            });
          },
        },
        baseline: {
          run: () => {
            const prefix = `b:${(round += 1)}:`;
            return nsEachBy(callers, LINKS, (turn) =>
              bare.call("SET", prefix + turn, String(turn % PODS), "NX", "GET", "PX", String(TTL_MS)),
            );
          },
        },
        end,
      };
    },
  };
}
