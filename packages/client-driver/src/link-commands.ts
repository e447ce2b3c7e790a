import type { Clock, LinkOp, LinkStore, ResultOf } from "@podlink/types";
import { RouteError } from "@podlink/types";
import type { Counters } from "./counters.ts";
import type { OpenCalls } from "./open-calls.ts";

export interface LinkCommandsParts {
  readonly links: LinkStore;
  readonly calls: OpenCalls;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly commandTimeoutMs: number;
  /** Whether the readings of the pods fail too: then the store is down, not one answer lost. */
  readonly readingsFail: () => boolean;
  /** What is stored for the link is not ours to touch. */
  readonly onCorrupt: () => void;
}

/** A store that is down is asked by one operation each so often: the readings may fail, or end, for a reason of their own. */
const ASK_AGAIN_AFTER_MS = 1000;

/** The link operations of one service: answered in time whatever the store does, refused at once while it is down. */
export class LinkCommands {
  readonly #parts: LinkCommandsParts;
  /** When the store was asked last, if it did not answer. */
  #failedAtMs: number | undefined;

  constructor(parts: LinkCommandsParts) {
    this.#parts = parts;
  }

  async execute<O extends LinkOp>(op: O): Promise<ResultOf<O>> {
    const { links, calls, counters, clock, commandTimeoutMs, readingsFail, onCorrupt } = this.#parts;
    // Both the links and the pods: it comes back with the next reading that works, which the state cache goes on trying.
    if (this.#failedAtMs !== undefined && readingsFail()) {
      const nowMs = clock.nowMs();
      if (nowMs - this.#failedAtMs < ASK_AGAIN_AFTER_MS) {
        counters.refusedWhileDown += 1;
        throw new RouteError("STORE_UNAVAILABLE", `${op.kind}: the store does not answer`, { outcome: "not-applied" });
      }
      this.#failedAtMs = nowMs; // the others go on being refused meanwhile
    }
    const call = { timeoutMs: commandTimeoutMs };
    const outcome = op.kind === "get" ? undefined : { outcome: "unknown" as const };
    try {
      const answer = await calls.wait(() => links.execute(op, call), { ...call, ...outcome, what: op.kind });
      this.#failedAtMs = undefined;
      return answer;
    } catch (error) {
      this.#failedAtMs = isStoreDown(error) ? clock.nowMs() : undefined;
      if (RouteError.is(error) && error.code === "CORRUPT") onCorrupt();
      throw error;
    }
  }
}

/** Whether the store didn't answer, as far as one call can tell. */
export function isStoreDown(error: unknown): boolean {
  return RouteError.is(error) && (error.code === "STORE_UNAVAILABLE" || error.code === "TIMEOUT");
}
