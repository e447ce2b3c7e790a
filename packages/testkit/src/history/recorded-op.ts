import type { LinkKey, LinkOp, ResultOf } from "@podlink/types";

/** What a caller was told of its operation. */
export type Outcome =
  /** Carried out, with this answer. `result` absent: a `get` that found nothing. */
  | { readonly kind: "answered"; readonly result?: ResultOf<LinkOp> }
  /** Certainly not carried out, neither now nor later; of several attempts that is said of the last one. */
  | { readonly kind: "refused"; readonly code?: string }
  /** Nobody knows: carried out at any moment since the call, also long after its caller gave up, or never. */
  | { readonly kind: "unknown"; readonly code?: string };

/** One operation as its caller saw it. */
export interface RecordedOp {
  /** Unique in its history. */
  readonly id: string;
  /** Who called: a client's operations need not wait for each other. */
  readonly client: string;
  /** Repeats of a mutation are recognised by its `opId`. */
  readonly op: LinkOp;
  /** When it was called: a place in the order of all calls and returns of the history, not a time. */
  readonly called: number;
  /** When its caller was told the outcome, in the same order. Absent: not yet, then the outcome is `unknown`. */
  readonly returned?: number;
  readonly outcome: Outcome;
  /**
   * How often it was sent at most. All but the one that was answered may have been carried out too: at any moment since
   * the call, also after the answered one, or never. At least 1, default 1.
   */
  readonly attempts?: number;
  /** The times of the store, in ms since 1970, that it may have been judged by. At least one. */
  readonly times: readonly number[];
  /** The store's time when it returned, in ms since 1970. Default: the latest of `times`. */
  readonly returnedAtMs?: number;
}

/** What callers saw of a store, and the facts about the run that it is to be judged by. */
export interface LinkHistory {
  readonly operations: readonly RecordedOp[];
  /** How long the store kept a persistent link, in milliseconds. Default 7 days. */
  readonly ownedTtlMs?: number;
  /**
   * For runs on a real clock, in milliseconds: by how much `expiresInMs` may differ from the model's, and how far from its
   * times an operation may have been judged. Default 0.
   */
  readonly toleranceMs?: number;
  /**
   * Whether two operations may have made the same token of a link after its record was gone: where the store's time stands
   * still. Default false: it moves by a microsecond at least between any two of them.
   */
  readonly tokensMayRepeat?: boolean;
}

/** An operation that was answered. */
export type AnsweredOp = RecordedOp & {
  readonly returned: number;
  readonly outcome: Extract<Outcome, { readonly kind: "answered" }>;
};

export function isAnswered(recorded: RecordedOp): recorded is AnsweredOp {
  return recorded.outcome.kind === "answered";
}

/** How often an operation may have been carried out besides the one that was answered. */
export function doubtfulRuns({ op, outcome, attempts = 1 }: RecordedOp): number {
  if (op.kind === "get") return 0;
  return outcome.kind === "unknown" ? attempts : attempts - 1;
}

/** A link's name, as one text. */
export function linkName({ namespace, service, uid }: LinkKey): string {
  return `${namespace}/${service}/${uid}`;
}

/** The operations of each link, in the order of their calls. */
export function byLink(operations: readonly RecordedOp[]): Map<string, RecordedOp[]> {
  const links = new Map<string, RecordedOp[]>();
  for (const recorded of operations.toSorted((a, b) => a.called - b.called)) {
    const name = linkName(recorded.op);
    const known = links.get(name);
    if (known === undefined) links.set(name, [recorded]);
    else known.push(recorded);
  }
  return links;
}
