import { sharedMemoryExecutor } from "@podlink/memory-executor";
import type { RedisExecutorOptions } from "@podlink/redis-executor";
import { RedisExecutor } from "@podlink/redis-executor";
import type { Clock, Logger, Store } from "@podlink/types";
import { RouteError } from "@podlink/types";

/** A store of the caller's, never closed by podlink, or "embedded": the one store that this process shares. */
export type StoreOption = Store | "embedded";

/** Which Redis, and how it is used; see `@podlink/redis-executor`. Clock and logger are those of the connection. */
export type RedisOptions = Omit<RedisExecutorOptions, "clock" | "logger">;

/** A store, and how whoever asked for it lets it go. */
export interface ChosenStore {
  readonly store: Store;
  /** Closes a store that was made here; any other one stays open. Idempotent. */
  close(): Promise<void>;
}

/**
 * The store that the options ask for. Nothing given: the embedded one with a warning, and with NODE_ENV=production a
 * CONFIG error: a store in one process routes nobody to another.
 * @throws RouteError CONFIG
 */
export function chooseStore(
  options: { readonly store?: StoreOption | undefined; readonly redis?: string | RedisOptions | undefined },
  context: {
    readonly logger: Logger;
    readonly clock?: Clock;
    readonly environment?: Readonly<Record<string, string | undefined>>;
  },
): ChosenStore {
  const { store, redis } = options;
  if (redis !== undefined) {
    const { logger, clock } = context;
    const where = typeof redis === "string" ? { url: redis } : redis;
    const made = new RedisExecutor({ logger, ...(clock && { clock }), ...where });
    return { store: made, close: () => made.close() };
  }
  if (store !== undefined && store !== "embedded") return leftOpen(store);
  const { logger, environment = process.env } = context;
  if (store === undefined) {
    if (environment["NODE_ENV"] === "production") {
      throw new RouteError(
        "CONFIG",
        'store: none given, and the embedded store reaches this process only; give redis or a store, or write store: "embedded" to say that one process is all there is',
      );
    }
    logger.warn(
      { code: "PODLINK_EMBEDDED_STORE" },
      "no store given: the embedded one is used, which only this process sees and which ends with it",
    );
  }
  return leftOpen(sharedMemoryExecutor());
}

function leftOpen(store: Store): ChosenStore {
  return { store, close: () => Promise.resolve() };
}
