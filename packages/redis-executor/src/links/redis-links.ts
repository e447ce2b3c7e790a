import type {
  Answer,
  CallOptions,
  Clock,
  Figures,
  Link,
  LinkOp,
  LinkStore,
  Logger,
  MetricsSource,
  ResultOf,
} from "@podlink/types";
import { checkItems, checkLinkOp, checkNamespace, checkService, checkUid, RouteError } from "@podlink/types";
import type { Connection } from "../connection/ports.ts";
import { LinkBatcher } from "./batcher.ts";
import { ListCaller, OneCaller, PodsCaller, timeoutOf } from "./callers.ts";
import { LinkLanes } from "./lanes.ts";
import { Notice } from "./notice.ts";
import type { Caller, WireOp } from "./pending-op.ts";
import { PendingOp } from "./pending-op.ts";
import { PendingReads } from "./pending-reads.ts";
import { readPartsOf } from "./read-parts.ts";
import { cancelled } from "./repeats.ts";
import { FULL, MIN_OPS } from "./runs.ts";

export interface RedisLinksOptions {
  readonly connection: Pick<Connection, "kind" | "groupOf" | "run" | "health" | "whenReady">;
  /** All deadlines hang on it. */
  readonly clock: Pick<Clock, "nowMs" | "setTimer">;
  readonly logger: Logger;
  /** What every key begins with. */
  readonly prefix: string;
  /** Into how many hash slots a namespace's links are spread. */
  readonly linkBuckets: number;
  /** How long a persistent link is kept after it was written or renewed. */
  readonly ownedTtlMs: number;
  /** One more is refused with STORE_UNAVAILABLE. */
  readonly maxWaitingOperations: number;
  /** How many script calls may wait for their answer. */
  readonly maxScriptsOnWire: number;
  /** Tests: the store's time in ms since 1970, ahead of Redis' own. Absent: Redis TIME. */
  readonly nowMs?: (() => number) | undefined;
}

/** The links in Redis: every operation is carried out by a script, together with all others of its turn. */
export class RedisLinks implements LinkStore, MetricsSource {
  readonly #lanes: LinkLanes;
  readonly #batcher: LinkBatcher;
  readonly #corrupt: Notice;
  readonly #clockBack: Notice;
  readonly #clockAhead: Notice;
  #isClosed = false;

  constructor(options: RedisLinksOptions) {
    const { clock, logger, connection } = options;
    this.#lanes = new LinkLanes({ ...options, groupOf: (key) => connection.groupOf(key) });
    const notice = (words: string, fields: { readonly code?: string } = {}): Notice =>
      new Notice(clock, (count) => logger.warn({ ...fields, count }, words));
    this.#corrupt = notice("stored links of a newer format or another type: untouched", { code: "CORRUPT" });
    this.#clockBack = notice("the store's clock went back: links that expire live longer");
    this.#clockAhead = notice("the store's clock leapt ahead: links that expire end early");
    this.#batcher = new LinkBatcher({
      ...options,
      onCorrupt: () => this.#corrupt.tell(),
      onClockBack: () => this.#clockBack.tell(),
      onClockAhead: () => this.#clockAhead.tell(),
    });
  }

  execute<O extends LinkOp>(op: O, call?: CallOptions): Promise<ResultOf<O>> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      const timeoutMs = timeoutOf(call);
      this.#one(checkLinkOp(op), new OneCaller<ResultOf<O>>(resolve, reject), { timeoutMs, signal: call?.signal });
    });
  }

  async executeAll<O extends LinkOp>(ops: readonly O[], call?: CallOptions): Promise<Answer<O>[]> {
    this.#checkOpen();
    checkItems(ops, "ops");
    const timeoutMs = timeoutOf(call);
    const caller = new ListCaller(ops.length);
    const good: (O | undefined)[] = ops.map((op, position) => this.#checked(op, position, caller));
    const asked: PendingOp[] = [];
    for (let position = 0; position < good.length; position += 1) {
      const op = good[position];
      if (op === undefined) continue;
      const pending = this.#pending(op, { caller, position, timeoutMs });
      asked.push(pending);
      if (call?.signal?.aborted === true) pending.settle({ error: cancelled(pending) });
      else this.#batcher.add(pending);
      // What fills a batch leaves now, and Redis works on it while the next is made.
      if (asked.length % FULL === 0) await Promise.resolve();
    }
    return (await caller.answers(asked, call?.signal)) as Answer<O>[];
  }

  async podsOf(
    namespace: string,
    service: string,
    uids: readonly string[],
    call?: CallOptions,
  ): Promise<Map<number, string[]>> {
    this.#checkOpen();
    const timeoutMs = timeoutOf(call);
    const lane = this.#lanes.of(checkNamespace(namespace), checkService(service));
    const caller = new PodsCaller([...checkItems(uids, "uids")]);
    for (const uid of caller.uids) checkUid(uid);
    const { full } = this.#batcher;
    for (let from = 0; from < caller.uids.length; from += full) {
      const range = { from, to: Math.min(from + full, caller.uids.length) };
      for (const part of readPartsOf(lane, caller, { ...range, onWire: this.#batcher.scriptsOnWire })) {
        const wait = this.#batcher.waitOf(timeoutMs);
        const reads = new PendingReads({ ...part, lane, caller, wait });
        wait.join(reads);
        caller.asked(reads);
        if (call?.signal?.aborted === true) reads.settle({ error: cancelled(reads) });
        // As few as others of this turn may bring, too, travel with those.
        else if (part.keys.length < MIN_OPS) for (const read of reads.apart()) this.#batcher.add(read);
        else this.#batcher.add(reads);
      }
      // What fills a batch leaves now, and Redis works on it while the next is made.
      await Promise.resolve();
    }
    return caller.byPod(call?.signal);
  }

  servicesOf(namespace: string, uid: string, call?: CallOptions): Promise<Map<string, Link>> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      const timeoutMs = timeoutOf(call);
      const op = { kind: "services", namespace: checkNamespace(namespace), uid: checkUid(uid) } as const;
      this.#one(op, new OneCaller<Map<string, Link>>(resolve, reject), { timeoutMs, signal: call?.signal });
    });
  }

  /** What there is and has happened, as plain numbers. */
  read(): Figures {
    const { moments } = this.#batcher;
    return {
      linkOperations: this.#batcher.operations,
      linkScripts: this.#batcher.scriptCalls,
      linkRepeats: this.#batcher.repeats,
      linksWaiting: this.#batcher.waiting,
      linkScriptsOnWire: this.#batcher.scriptsOnWire,
      linksRefusedForLimits: this.#batcher.refusedForLimits,
      brokenValues: this.#batcher.brokenValues,
      corruptValues: this.#corrupt.count,
      tokensIgnored: moments.tokensIgnored,
      clockBack: this.#clockBack.count,
      clockAhead: this.#clockAhead.count,
    };
  }

  /** Refuses what waits and what comes with CLOSED. What is on the wire settles when the connection ends. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#batcher.close();
  }

  /** Undefined: it is refused, and its caller knows. */
  #checked<O extends LinkOp>(op: O, position: number, caller: ListCaller): O | undefined {
    try {
      return checkLinkOp(op);
    } catch (error) {
      caller.answer(position, { error: RouteError.from(error) });
      return undefined;
    }
  }

  #one<R>(
    op: WireOp,
    caller: OneCaller<R>,
    call: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
  ): void {
    const pending = this.#pending(op, { caller, position: 0, timeoutMs: call.timeoutMs });
    if (call.signal !== undefined) caller.cancelBy(call.signal, pending);
    this.#batcher.add(pending);
  }

  #pending(
    op: WireOp,
    asked: { readonly caller: Caller; readonly position: number; readonly timeoutMs: number },
  ): PendingOp {
    const { caller, position, timeoutMs } = asked;
    const lane = this.#lanes.of(op.namespace, op.kind === "services" ? "" : op.service);
    const { key, group } = lane.placeOf(op.uid);
    const wait = this.#batcher.waitOf(timeoutMs);
    const pending = new PendingOp(op, { lane, key, group, caller, position, wait });
    wait.join(pending);
    return pending;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new RouteError("CLOSED", "the store is closed", { outcome: "not-applied" });
  }
}
