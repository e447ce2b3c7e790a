import type { LinkKey, LinkOp, ResultOf } from "@podlink/types";
import { DEFAULTS, RouteError } from "@podlink/types";
import type { LinkModel } from "../contract/properties/model.ts";
import type { LinkHistory, RecordedOp } from "./recorded-op.ts";
import { opIdOf } from "./results.ts";

/** What a model keeps of a link, as far as a checker looks into it: a plain object that says its token. */
export interface ModelRecord {
  readonly token: number;
}

/** One run of an operation. */
export interface ModelRun {
  readonly recorded: RecordedOp;
  /** The store's time that it is judged by, in ms since 1970. */
  readonly timeMs: number;
  /** A new token is at least this. */
  readonly leastToken: number;
}

export interface ModelStep<R> {
  readonly record: R | undefined;
  readonly result: ResultOf<LinkOp>;
}

/** The sequential model of one link with the facts of a run. */
export class RunModel<R extends ModelRecord> {
  readonly #model: LinkModel<R>;
  readonly #ownedTtlMs: number;

  constructor(model: LinkModel<R>, history: LinkHistory) {
    this.#model = model;
    this.#ownedTtlMs = history.ownedTtlMs ?? DEFAULTS.ownedTtlMs;
  }

  /** What the run does to the record and answers. Undefined: it is refused. */
  run(record: R | undefined, { recorded, timeMs, leastToken }: ModelRun): ModelStep<R> | undefined {
    try {
      return this.#model(record, recorded.op, this.#context(timeMs, leastToken - 1, opIdOf(recorded)));
    } catch (error) {
      if (RouteError.is(error)) return undefined; // a refusal: a token floor too far ahead
      throw error;
    }
  }

  /** The link that a record says at a time: what a `get` would answer. */
  linkAt(record: R | undefined, { namespace, service, uid }: LinkKey, timeMs: number): ResultOf<LinkOp> {
    const get = { kind: "get", namespace, service, uid } as const;
    return this.#model(record, get, this.#context(timeMs, 0, "none")).result;
  }

  #context(timeMs: number, highestToken: number, opId: string) {
    const nowMs = Math.floor(timeMs);
    return { nowMs, nowUs: nowMs * 1000, highestToken, opId, ownedTtlMs: this.#ownedTtlMs };
  }
}
