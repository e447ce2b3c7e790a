import { sharedMemoryExecutor } from "@podlink/memory-executor";
import type { Clock, Logger, Store } from "@podlink/types";
import { RouteError } from "@podlink/types";

/** A store of the caller's, never closed by podlink, or "embedded": the one store that this process shares. */
export type StoreOption = Store | "embedded";

/**
 * The store that the options ask for. Nothing given: the embedded one with a warning, and with NODE_ENV=production a
 * CONFIG error: a store in one process routes nobody to another.
 */
export function chooseStore(
  option: StoreOption | undefined,
  context: {
    readonly logger: Logger;
    readonly clock?: Clock;
    readonly environment?: Readonly<Record<string, string | undefined>>;
  },
): Store {
  if (option !== undefined && option !== "embedded") return option;
  const { logger, environment = process.env } = context;
  if (option === undefined) {
    if (environment["NODE_ENV"] === "production") {
      throw new RouteError(
        "CONFIG",
        'store: none given, and the embedded store reaches this process only; pass a store, or write store: "embedded" to say that one process is all there is',
      );
    }
    logger.warn(
      { code: "PODLINK_EMBEDDED_STORE" },
      "no store given: the embedded one is used, which only this process sees and which ends with it",
    );
  }
  return sharedMemoryExecutor();
}
