import type { Clock, Link } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { failpoint } from "@podlink/types/failpoint";
import type { Connection, Writing } from "../connection/ports.ts";
import type { AnswerContext } from "./answers.ts";
import { decodeAnswer, podIn } from "./answers.ts";
import { Backlogs, pauseMs } from "./backlogs.ts";
import { CrowdedSlots } from "./crowded-slots.ts";
import { LinksUnderWay } from "./links-under-way.ts";
import { OpIds } from "./op-ids.ts";
import type { Outcome, PendingOp, WireOp } from "./pending-op.ts";
import { PendingReads } from "./pending-reads.ts";
import { finalError, mayRepeat } from "./repeats.ts";
import type { Batch, Run } from "./runs.ts";
import { batchesOf, callKindOf, FULL, isSettled, namespaceOf, opsOf, withoutSettled } from "./runs.ts";
import { StoreMoments } from "./store-moments.ts";
import { TurnWait } from "./turn-wait.ts";
import type { RunAnswers, WireAnswer, WireReply } from "./wire.ts";
import { decodeReply, encodeBatch, PLAIN, StoredValues, tokenOf } from "./wire.ts";

/** In place of {@link FULL} in a Cluster, where a batch is of one slot of many. */
const FULL_OF_SLOTS = 5120;

export interface BatcherOptions {
  readonly connection: Pick<Connection, "kind" | "run" | "health" | "whenReady">;
  readonly clock: Pick<Clock, "nowMs" | "setTimer">;
  readonly ownedTtlMs: number;
  readonly maxWaitingOperations: number;
  readonly maxScriptsOnWire: number;
  /** Tests: the store's time instead of its own clock. */
  readonly nowMs?: (() => number) | undefined;
  /** Hears of each operation that met what nobody may touch. */
  readonly onCorrupt: () => void;
  readonly onClockBack: () => void;
  readonly onClockAhead: () => void;
}

/** What was so when a batch was sent. */
interface Sent {
  readonly leastToken: number;
  readonly sentAtMs: number;
}

/**
 * Carries operations to Redis: those asked for in one turn of the event loop travel together. Nothing waits for a batch to
 * fill, and no timer is involved: they leave when the turn ends, or before if they are many. Only with as many calls on the
 * wire as may be, or in a Cluster with many and some of their slot, do they wait for answers.
 */
export class LinkBatcher {
  readonly moments: StoreMoments;
  readonly #options: BatcherOptions;
  readonly #opIds = new OpIds();
  readonly #underWay = new LinksUnderWay();
  /** Of this turn. */
  #wait: TurnWait | undefined;
  /** Asked for, and not divided into calls yet. */
  #asked: PendingOp[] = [];
  #askedSize = 0;
  /** Divided, and waiting for the wire. */
  #ready: Batch[] = [];
  /** Between two tries. */
  readonly #paused = new Set<readonly PendingOp[]>();
  readonly #backlogs: Backlogs;
  /** Absent: all operations may travel together. */
  readonly #crowded: CrowdedSlots | undefined;
  /** As many operations as this are not kept until the turn ends. */
  readonly full: number;
  #isFlushDue = false;
  #isFlushing = false;
  #isClosed = false;
  /** Operations that wait for the wire, for another of their link, or for the store. */
  waiting = 0;
  scriptsOnWire = 0;
  operations = 0;
  scriptCalls = 0;
  repeats = 0;
  refusedForLimits = 0;
  brokenValues = 0;

  constructor(options: BatcherOptions) {
    this.#options = options;
    this.moments = new StoreMoments(options);
    const isCluster = options.connection.kind === "cluster";
    this.full = isCluster ? FULL_OF_SLOTS : FULL;
    this.#crowded = isCluster ? new CrowdedSlots() : undefined;
    this.#backlogs = new Backlogs({
      clock: options.clock,
      isHealthy: () => options.connection.health().healthy,
      ask: (ops) => {
        this.repeats += ops.length;
        this.#askAgain(ops, false);
      },
      drop: (pending) => this.#drop(pending),
      refuse: (ops) => this.#refuse(ops),
    });
  }

  /** Takes an operation. It is settled here, or by its caller who doesn't wait any longer. */
  add(pending: PendingOp): void {
    if (pending.isSettled) return; // cancelled before it began
    if (this.#isClosed) return pending.settle({ error: closed(pending) });
    const { size } = pending;
    if (pending instanceof PendingReads && this.waiting + size > this.#options.maxWaitingOperations) {
      for (const read of pending.apart()) this.add(read);
      return;
    }
    if (this.waiting >= this.#options.maxWaitingOperations) {
      this.refusedForLimits += 1;
      const message = `${this.waiting} link operations wait already`;
      return pending.settle({ error: new RouteError("STORE_UNAVAILABLE", message, { outcome: "not-applied" }) });
    }
    this.operations += size;
    this.waiting += size;
    if (!pending.isMutation || this.#underWay.begin(pending)) this.#ask(pending);
  }

  /** The wait that operations with this timeout share when they are asked for in this turn. */
  waitOf(timeoutMs: number): TurnWait {
    if (this.#wait?.timeoutMs === timeoutMs && !this.#wait.isOver) return this.#wait;
    const { clock, connection } = this.#options;
    this.#wait = new TurnWait({ clock, connection, timeoutMs });
    this.#flushSoon(); // which ends the turn
    return this.#wait;
  }

  /** Refuses what waits and what comes; what is on the wire settles with the connection. */
  close(): void {
    this.#isClosed = true;
    const waiting = [...this.#asked, ...this.#ready.flatMap(opsOf), ...Array.from(this.#paused).flat()].concat(
      this.#backlogs.close(),
      this.#crowded?.close() ?? [],
    );
    this.#asked = [];
    this.#askedSize = 0;
    this.#ready = [];
    this.#paused.clear();
    for (const pending of waiting) this.#drop(pending);
  }

  #ask(pending: PendingOp): void {
    this.#asked.push(pending);
    this.#askedSize += pending.size;
    if (this.#askedSize >= this.full) this.#flush();
    else this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    process.nextTick(() => {
      this.#isFlushDue = false;
      this.#wait = undefined;
      this.#flush();
    });
  }

  #flush(): void {
    // What is dropped instead of sent makes way for others, which may be as many as don't wait for the turn's end.
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      this.#fillWire();
    } finally {
      this.#isFlushing = false;
    }
  }

  #fillWire(): void {
    const { maxScriptsOnWire } = this.#options;
    while (this.scriptsOnWire < maxScriptsOnWire) {
      if (this.#ready.length === 0) {
        const asked = this.#takeAsked();
        if (asked.length === 0) return;
        this.#ready = batchesOf(asked, this.scriptsOnWire);
      }
      const going = this.#ready;
      this.#ready = going.splice(maxScriptsOnWire - this.scriptsOnWire);
      const isAlone = going.length === 1 && this.scriptsOnWire === 0;
      for (const batch of going) this.#send(batch, isAlone);
    }
  }

  #takeAsked(): readonly PendingOp[] {
    const asked = this.#asked;
    this.#asked = [];
    this.#askedSize = 0;
    return this.#crowded?.next(asked, this.scriptsOnWire) ?? asked;
  }

  /** @param isAlone nothing else is on the wire, or about to be */
  #send(asked: Batch, isAlone: boolean): void {
    const batch = withoutSettled(asked, (pending) => this.#drop(pending));
    if (batch.size === 0) return;
    const { nowMs, ownedTtlMs, connection, clock } = this.#options;
    const { leastToken } = this.moments;
    const context = { nowMs: nowMs?.(), leastToken, ownedTtlMs, opIds: this.#opIds };
    const { script, keys, args } = encodeBatch(batch, context);
    this.waiting -= batch.size;
    this.scriptsOnWire += 1;
    this.scriptCalls += 1;
    this.#crowded?.sent(batch);
    const sentAtMs = clock.nowMs();
    connection
      .run(script, keys, args, { namespace: namespaceOf(batch), writing: new BatchWriting(batch), isAlone })
      .then(
        (reply) => this.#answered(batch, { leastToken, sentAtMs }, reply),
        (error: unknown) => this.#failed(batch, RouteError.from(error)),
      );
  }

  #answered(batch: Batch, { leastToken, sentAtMs }: Sent, reply: unknown): void {
    let read: WireReply;
    try {
      read = decodeReply(batch, reply);
    } catch (error) {
      return this.#failed(batch, new RouteError("INTERNAL", "a script's reply can't be read", { cause: error }));
    }
    this.#leftWire(batch);
    const { nowUs } = read;
    this.brokenValues += read.brokenValues;
    this.moments.sawMoment(batch.group, { nowUs, sentAtMs, arrivedAtMs: this.#options.clock.nowMs() });
    for (let position = 0; position < batch.runs.length; position += 1) {
      const run = batch.runs[position] as Run;
      const replies = read.runs[position];
      const context: AnswerContext = {
        areStored: replies instanceof StoredValues,
        nowMs: Math.floor(nowUs / 1000),
        token: tokenOf(run, leastToken, nowUs),
        seen: (token) => this.moments.sawToken(token, nowUs),
        broken: () => (this.brokenValues += 1),
      };
      const reads = run.ops[0];
      if (reads instanceof PendingReads) {
        this.#answeredReads(reads, replies, context);
        continue;
      }
      for (let index = 0; index < run.ops.length; index += 1) {
        const pending = run.ops[index] as PendingOp;
        const outcome = this.#outcomeOf(pending.op, replies === undefined ? PLAIN : replies.at(index), context);
        // What refused this try says nothing of one before it that may have been carried out.
        this.#finish(pending, "error" in outcome ? { error: finalError(pending, outcome.error) } : outcome);
      }
    }
    this.#backlogs.answered(callKindOf((batch.runs[0] as Run).ops[0] as PendingOp));
  }

  #failed(batch: Batch, error: RouteError): void {
    this.#leftWire(batch);
    if (error.code === "CANCELLED") return this.#makeAnew(batch);
    const ran = error.outcome !== "not-applied";
    const again: PendingOp[] = [];
    for (const pending of opsOf(batch).flatMap((op) => (op instanceof PendingReads ? op.apart() : op))) {
      pending.isDoubtful ||= ran;
      pending.refusal = error;
      pending.isAlone = !ran && pending.areKeysApart;
      pending.areKeysApart = false;
      if (error.retryable && !this.#isClosed && !pending.isSettled && mayRepeat(pending)) again.push(pending);
      else this.#finish(pending, { error: finalError(pending, error) });
    }
    if (again.length === 0) return;
    if (!ran && again[0]?.isAlone !== true && this.#options.connection.health().healthy) {
      this.waiting += again.length;
      this.#backlogs.add(again);
      return;
    }
    for (const pending of again) this.#backlogs.left(pending);
    this.#repeat(again, { error, ran });
  }

  /** It was not written, as some of its callers had gone by then: what the others wait for goes without those. */
  #makeAnew(batch: Batch): void {
    this.waiting += batch.size;
    for (const pending of opsOf(batch)) this.#ask(pending);
  }

  /** Sends them once more: after a pause, or when the store is back. */
  #repeat(ops: readonly PendingOp[], { error, ran }: { readonly error: RouteError; readonly ran: boolean }): void {
    const { clock, connection } = this.#options;
    const isHealthy = connection.health().healthy;
    if (!isHealthy && !ran) {
      // Nobody waits for a store that is known to be away.
      for (const pending of ops) this.#finish(pending, { error: finalError(pending, error) });
      return;
    }
    this.repeats += ops.length;
    this.waiting += ops.length;
    this.#paused.add(ops);
    const resume = (): void => {
      if (this.#paused.delete(ops)) this.#askAgain(ops, ran);
    };
    if (isHealthy) {
      const tries = Math.max(...ops.map((pending) => (pending.tries += 1)));
      clock.setTimer(pauseMs(tries), resume);
      return;
    }
    const leftMs = Math.max(...ops.map(({ wait }) => wait.endsAtMs)) - clock.nowMs();
    connection.whenReady(Math.max(leftMs, 1)).then(resume, () => {
      if (!this.#paused.delete(ops)) return;
      this.waiting -= ops.length;
      for (const pending of ops) this.#finish(pending, { error: finalError(pending, error) });
    });
  }

  #askAgain(ops: readonly PendingOp[], ran: boolean): void {
    for (const pending of ops) {
      this.#ask(pending);
      if (pending.isSettled) continue; // it leaves the queue unsent
      failpoint("before-repeat", { ...pending.op, opId: pending.opId, mayHaveRun: ran });
    }
  }

  /** Nobody waits for a store that is known to be away. */
  #refuse(ops: readonly PendingOp[]): void {
    this.waiting -= ops.length;
    for (const pending of ops) this.#finish(pending, { error: finalError(pending, pending.refusal as RouteError) });
  }

  #leftWire(batch: Batch): void {
    this.scriptsOnWire -= 1;
    for (const pending of opsOf(batch)) pending.isOnWire = false;
    this.#crowded?.left(batch);
    if (this.#ready.length > 0 || this.#asked.length > 0 || this.#crowded?.hasFreed === true) this.#flushSoon();
  }

  // By itself: what a function made here refers to would be made anew for each operation of any other kind, too.
  #answeredReads(reads: PendingReads, replies: RunAnswers | undefined, context: AnswerContext): void {
    reads.answered((position) => this.#podIn(reads, { replies, position }, context));
  }

  /** What the answer to one of several reads says. */
  #podIn(
    { op }: PendingReads,
    { replies, position }: { readonly replies: RunAnswers | undefined; readonly position: number },
    context: AnswerContext,
  ): number | undefined | RouteError {
    const pod = replies instanceof StoredValues ? podIn(replies, position, context) : "newer";
    if (pod !== "newer") return pod;
    const outcome = this.#outcomeOf(op, replies?.at(position), context);
    return "error" in outcome ? outcome.error : (outcome.value as Link | undefined)?.podIndex;
  }

  #outcomeOf(op: WireOp, answer: WireAnswer | undefined, context: AnswerContext): Outcome {
    const outcome = outcomeOf(op, answer, context);
    if ("error" in outcome && outcome.error.code === "CORRUPT") this.#options.onCorrupt();
    return outcome;
  }

  /** Leaves the queue unsent: its caller is gone, or everything is. */
  #drop(pending: PendingOp): void {
    this.waiting -= pending.size;
    this.#finish(pending, { error: closed(pending) });
  }

  /** Answers the caller, if it still waits, and lets the next mutation of the link begin. */
  #finish(pending: PendingOp, outcome: Outcome): void {
    pending.settle(outcome);
    this.#backlogs.left(pending);
    if (!pending.isMutation) return;
    this.#underWay.end(pending);
    const { followers } = pending;
    if (followers !== undefined) this.#follow(followers);
  }

  /** The first of them that has a caller begins; the others follow it. */
  #follow(followers: readonly PendingOp[]): void {
    for (const next of followers) {
      if (this.#isClosed) next.settle({ error: closed(next) });
      if (next.isSettled) this.waiting -= 1;
      else if (this.#underWay.begin(next)) this.#ask(next);
    }
  }
}

/** It is written only while all of it is waited for: what a caller was told has not happened never happens later. */
class BatchWriting implements Writing {
  readonly #batch: Batch;

  constructor(batch: Batch) {
    this.#batch = batch;
  }

  begin(): boolean {
    const ops = opsOf(this.#batch);
    if (ops.some(isSettled)) return false;
    for (const pending of ops) pending.isOnWire = true;
    return true;
  }

  refused(areKeysApart: boolean): void {
    for (const pending of opsOf(this.#batch)) {
      pending.isOnWire = false;
      pending.areKeysApart = areKeysApart;
    }
  }
}

function closed(pending: PendingOp): RouteError {
  const outcome = pending.isDoubtful ? "unknown" : "not-applied";
  return new RouteError("CLOSED", "the store's connection is closed", { outcome });
}

function outcomeOf(op: WireOp, answer: WireAnswer | undefined, context: AnswerContext): Outcome {
  try {
    if (answer === undefined) throw new Error("the script left an operation unanswered");
    return decodeAnswer(op, answer, context);
  } catch (error) {
    return {
      error: new RouteError("INTERNAL", "a script's answer can't be read", { cause: error, outcome: "unknown" }),
    };
  }
}
