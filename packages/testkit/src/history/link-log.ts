import { randomBytes } from "node:crypto";
import type { LinkKey, LinkOp, LinkOpKind, Subscription } from "@podlink/types";
import type { LinkHistory, Outcome, RecordedOp } from "./recorded-op.ts";
import { linkName } from "./recorded-op.ts";
import type { SteppedTime } from "./stepped-time.ts";

/** Where the store's time comes from. One that hears of steps also knows the times between call and return. */
export type LogTime = Pick<SteppedTime, "nowMs"> & Partial<Pick<SteppedTime, "onStep">>;

export interface LinkLogOptions extends Omit<LinkHistory, "operations"> {
  /** The time of the store under test; on a real clock give `toleranceMs` too. */
  readonly time: LogTime;
}

/** An operation that was sent once more. */
export interface Attempt extends LinkKey {
  readonly kind: LinkOpKind | (string & {});
  readonly opId?: string;
}

/** An operation under way. */
export interface OpenEntry {
  /** The operation with the id that its runs are recognised by. */
  readonly op: LinkOp;
  /** Its caller was told the outcome. */
  settle(outcome: Outcome): void;
}

type Entry = { -readonly [Part in keyof RecordedOp]: RecordedOp[Part] } & { times: number[] };

/** Keeps what callers asked and were told, in the order of it all. */
export class LinkLog {
  readonly #time: LogTime;
  readonly #facts: Omit<LinkHistory, "operations">;
  readonly #entries: Entry[] = [];
  readonly #open = new Set<Entry>();
  readonly #byOpId = new Map<string, Entry>();
  readonly #steps: Subscription | undefined;
  /** What the ids of operations begin with that bring none: another log of the same links must not make the same. */
  readonly #ids = randomBytes(4).readUInt32BE().toString(36).padStart(7, "0").slice(-5);
  #place = 0;

  constructor({ time, ...facts }: LinkLogOptions) {
    this.#time = time;
    this.#facts = facts;
    this.#steps = time.onStep?.(() => {
      for (const entry of this.#open) this.#seeTime(entry);
    });
  }

  /** Notes that a client calls an operation. A mutation without an id gets one. */
  call(client: string, asked: LinkOp): OpenEntry {
    const number = this.#entries.length + 1;
    const op =
      asked.kind === "get" || asked.opId !== undefined ? asked : { ...asked, opId: this.#ids + number.toString(36) };
    const entry: Entry = {
      id: `o${number}`,
      client,
      op,
      called: this.#next(),
      outcome: { kind: "unknown" },
      times: [this.#time.nowMs()],
    };
    this.#entries.push(entry);
    this.#open.add(entry);
    if (op.kind !== "get") this.#byOpId.set(nameOf({ ...op }), entry);
    return { op, settle: (outcome) => this.#settle(entry, outcome) };
  }

  /**
   * Counts one more sending of an operation: whatever sends again (a client's repeats) is to tell it before it does.
   * @returns whether the operation is in this log
   */
  attempted(attempt: Attempt): boolean {
    const entry = this.#byOpId.get(nameOf(attempt));
    if (entry === undefined) return false;
    entry.attempts = (entry.attempts ?? 1) + 1;
    this.#seeTime(entry);
    return true;
  }

  /** What was recorded until now; operations under way have no return and an unknown outcome. */
  history(): LinkHistory {
    const operations = this.#entries.map((entry): RecordedOp => ({ ...entry, times: [...entry.times] }));
    return { operations, ...this.#facts };
  }

  /** Hears of no more steps of time. */
  close(): void {
    this.#steps?.close();
  }

  #settle(entry: Entry, outcome: Outcome): void {
    if (!this.#open.delete(entry)) return;
    entry.outcome = outcome;
    entry.returned = this.#next();
    entry.returnedAtMs = this.#time.nowMs();
    if (this.#time.onStep === undefined) this.#seeTime(entry);
  }

  #seeTime(entry: Entry): void {
    const nowMs = this.#time.nowMs();
    if (entry.times.at(-1) !== nowMs) entry.times.push(nowMs);
  }

  #next(): number {
    this.#place += 1;
    return this.#place;
  }
}

function nameOf({ kind, opId = "", ...key }: Attempt): string {
  return `${kind} ${opId} ${linkName(key)}`;
}
