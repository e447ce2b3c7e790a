import type { LinkOp, LinkStore, ResultOf } from "@podlink/types";
import { RouteError } from "@podlink/types";
import type { Counters } from "./counters.ts";
import type { OpenCalls } from "./open-calls.ts";

export interface LinkCommandsParts {
  readonly links: LinkStore;
  readonly calls: OpenCalls;
  readonly counters: Counters;
  readonly commandTimeoutMs: number;
  /** Whether the readings of the pods fail too: then the store is down, not one answer lost. */
  readonly readingsFail: () => boolean;
}

/** The link operations of one service: answered in time whatever the store does, refused at once while it is down. */
export class LinkCommands {
  readonly #parts: LinkCommandsParts;
  #lastFailed = false;

  constructor(parts: LinkCommandsParts) {
    this.#parts = parts;
  }

  async execute<O extends LinkOp>(op: O): Promise<ResultOf<O>> {
    const { links, calls, counters, commandTimeoutMs, readingsFail } = this.#parts;
    // Both the links and the pods: it comes back with the next reading that works, which the state cache goes on trying.
    if (this.#lastFailed && readingsFail()) {
      counters.refusedWhileDown += 1;
      throw new RouteError("STORE_UNAVAILABLE", `${op.kind}: the store does not answer`, { outcome: "not-applied" });
    }
    const call = { timeoutMs: commandTimeoutMs };
    const outcome = op.kind === "get" ? undefined : { outcome: "unknown" as const };
    try {
      const answer = await calls.wait(() => links.execute(op, call), { ...call, ...outcome, what: op.kind });
      this.#lastFailed = false;
      return answer;
    } catch (error) {
      this.#lastFailed = isStoreDown(error);
      throw error;
    }
  }
}

/** Whether the store didn't answer, as far as one call can tell. */
export function isStoreDown(error: unknown): boolean {
  return RouteError.is(error) && (error.code === "STORE_UNAVAILABLE" || error.code === "TIMEOUT");
}
