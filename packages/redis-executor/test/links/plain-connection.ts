import { RouteError, systemClock } from "@podlink/types";
import type { Clock } from "@podlink/types";
import { Redis } from "ioredis";
import type { Connection, Script } from "../../src/connection/ports.ts";

/** What a test sees and disturbs of a connection. */
export interface Tapped {
  /** Each script call as it was sent. */
  readonly calls: {
    readonly script: string;
    readonly keys: readonly string[];
    readonly args: readonly string[];
    readonly isAlone: boolean;
  }[];
  /** The reply to each that was carried out. */
  readonly replies: unknown[];
  /** Called before each: may throw in its place. */
  before: ((script: Script) => Promise<void> | void) | undefined;
  /** Called after each that was carried out: may throw in place of its reply. */
  after: ((script: Script) => Promise<void> | void) | undefined;
  /** What it says of itself. */
  healthy: boolean;
  /** Whether calls that fail before they were carried out are refused because their keys are on two nodes. */
  areKeysApart: boolean;
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
    calls: [],
    replies: [],
    before: undefined,
    after: undefined,
    healthy: true,
    areKeysApart: false,
    ready: Promise.resolve(),
  };
  const connection: Connection = {
    kind: "single",
    groupOf: () => 0,
    async run(script, keys, args, options) {
      if (options?.writing?.begin() === false)
        throw new RouteError("CANCELLED", "not wanted", { outcome: "not-applied" });
      const isAlone = options?.isAlone === true;
      tap.calls.push({ script: script.name, keys: [...keys], args: args.map(String), isAlone });
      try {
        await tap.before?.(script);
      } catch (error) {
        options?.writing?.refused(tap.areKeysApart);
        throw error;
      }
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
