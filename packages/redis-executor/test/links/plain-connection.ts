import { RouteError, systemClock } from "@podlink/types";
import type { Clock } from "@podlink/types";
import { Redis } from "ioredis";
import type { Connection, Script } from "../../src/connection/ports.ts";

/** What a test sees and disturbs of a connection. */
export interface Tapped {
  /** Each script call as it was sent. */
  readonly calls: { readonly script: string; readonly keys: readonly string[]; readonly args: readonly string[] }[];
  /** The reply to each that was carried out. */
  readonly replies: unknown[];
  /** Called before each: may throw in its place. */
  before: ((script: Script) => Promise<void> | void) | undefined;
  /** Called after each that was carried out: may throw in place of its reply. */
  after: ((script: Script) => Promise<void> | void) | undefined;
  /** What it says of itself. */
  kind: Connection["kind"];
  healthy: boolean;
  ready: Promise<void>;
}

/** The port of a single server by the plainest means, with a tap in the middle. */
export function plainConnection(url: string): {
  readonly connection: Connection;
  readonly tap: Tapped;
  readonly redis: Redis;
  readonly clock: Clock;
} {
  const redis = new Redis(url, { maxRetriesPerRequest: 0 });
  const tap: Tapped = {
    kind: "single",
    calls: [],
    replies: [],
    before: undefined,
    after: undefined,
    healthy: true,
    ready: Promise.resolve(),
  };
  const connection: Connection = {
    get kind() {
      return tap.kind;
    },
    groupOf: () => 0,
    async run(script, keys, args, options) {
      if (options?.writing?.begin() === false)
        throw new RouteError("CANCELLED", "not wanted", { outcome: "not-applied" });
      tap.calls.push({ script: script.name, keys: [...keys], args: args.map(String) });
      await tap.before?.(script);
      const reply = await redis.evalsha(script.sha, keys.length, ...keys, ...args).catch((error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        if (message.startsWith("NOSCRIPT ")) return redis.eval(script.source, keys.length, ...keys, ...args);
        throw new RouteError("INTERNAL", message, { outcome: "unknown" });
      });
      tap.replies.push(reply);
      await tap.after?.(script);
      return reply;
    },
    command: (key, name, ...args) => redis.call(name, key, ...args),
    subscribe: () => ({ close: () => undefined }),
    health: () => ({ healthy: tap.healthy }),
    epoch: () => 1,
    watch: () => ({ close: () => undefined }),
    whenReady: () => tap.ready,
    close: async () => redis.disconnect(),
  };
  return { connection, tap, redis, clock: systemClock };
}
