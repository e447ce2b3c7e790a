import { once } from "node:events";
import type { Server } from "node:net";
import { createServer } from "node:net";
import type { RedisServer } from "@podlink/testkit/redis";
import type { Ends } from "../measure/ends.ts";

/** What a soak holds to be flat. */
export type Leak = "heap" | "handles" | "redis";

interface LeakPlace {
  readonly server: RedisServer;
  readonly ends: Ends;
}

/** Loses a little more each time. */
type Drip = () => Promise<void>;

/** Leaks that can be planted, so that whoever trusts the judgement can see it accuse. Each loses something whenever a pod is replaced. */
export const leaks: ReadonlyMap<Leak, (place: LeakPlace) => Drip> = new Map<Leak, (place: LeakPlace) => Drip>([
  [
    "heap",
    () => {
      const kept: unknown[] = [];
      return async () => void kept.push(Array.from({ length: 60_000 }, (_, index) => `${kept.length}/${index}`));
    },
  ],
  [
    "handles",
    ({ ends }) => {
      const listening: Server[] = [];
      ends.add(() => listening.map((server) => server.close()));
      return async () => {
        const server = createServer().listen(0, "127.0.0.1");
        await once(server, "listening");
        listening.push(server);
      };
    },
  ],
  [
    "redis",
    ({ server }) => {
      let lost = 0;
      return async () => void (await server.cli("SET", `lost-${(lost += 1)}`, "x".repeat(50_000)));
    },
  ],
]);
