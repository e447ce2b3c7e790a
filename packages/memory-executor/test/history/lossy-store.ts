import { setImmediate as nextTurn } from "node:timers/promises";
import type { Attempt, SteppedTime } from "@podlink/testkit";
import { SeededRandom } from "@podlink/testkit";
import type { LinkOp, LinkStore, ResultOf } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { MemoryExecutor } from "../../src/index.ts";

export interface LossyOptions {
  readonly seed: number;
  readonly time: SteppedTime;
  /** The share of sendings that lose the request or the reply. Default 0.25. */
  readonly loss?: number;
  /** Hears of each sending but the first. */
  readonly onRepeat?: (attempt: Attempt) => void;
  /** What carries an operation out: the place for a planted bug. Default: the memory store, once. */
  readonly carryOut?: CarryOut;
}

/** The memory store as a request meets it: it judges by the time that the request was sent with. */
export type Execute = <O extends LinkOp>(op: O) => Promise<ResultOf<O>>;

/** @param sending which sending of the operation it is, from 1 */
export type CarryOut = (execute: Execute, op: LinkOp, sending: number) => Promise<ResultOf<LinkOp>>;

/** The memory store behind a line that delays, loses requests and replies, delivers late, and a client that repeats. */
export interface LossyStore extends LinkStore {
  /** Resolves when nothing is on its way any more. */
  quiet(): Promise<void>;
}

const MAX_SENDINGS = 3;

export function lossyStore({
  seed,
  time,
  loss = 0.25,
  onRepeat,
  carryOut = (run, op) => run(op),
}: LossyOptions): LossyStore {
  const random = new SeededRandom(seed);
  let judgedMs: number | undefined;
  const clock = {
    nowMs: () => time.nowMs(),
    wallMs: () => judgedMs ?? time.nowMs(),
    setTimer: (): never => {
      throw new Error("the memory executor sets no timers");
    },
  };
  const executor = new MemoryExecutor({ clock });
  const underWay = new Set<Promise<unknown>>();

  async function travel(most: number): Promise<void> {
    for (let turns = random.integer(0, most); turns > 0; turns -= 1) await nextTurn();
  }

  /** A request that was sent at a time arrives now. */
  function arrive(op: LinkOp, sentMs: number, sending: number): Promise<ResultOf<LinkOp>> {
    const run: Execute = (asked) => {
      judgedMs = sentMs;
      try {
        return executor.execute(asked); // it is judged before this returns
      } finally {
        judgedMs = undefined;
      }
    };
    return carryOut(run, op, sending);
  }

  async function send(op: LinkOp, sending: number): Promise<ResultOf<LinkOp>> {
    const sentMs = time.nowMs();
    await travel(3);
    if (random.chance(loss)) {
      const fate = random.pick(["never", "late", "reply lost"] as const);
      if (fate === "reply lost") await arrive(op, sentMs, sending);
      else if (fate === "late") {
        const late = travel(12).then(() => arrive(op, sentMs, sending));
        underWay.add(late);
        void late.finally(() => underWay.delete(late));
      }
      await travel(2);
      throw new RouteError("TIMEOUT", `${op.kind} was not answered in time`, { outcome: "unknown" });
    }
    const answer = await arrive(op, sentMs, sending);
    await travel(3);
    return answer;
  }

  async function execute<O extends LinkOp>(op: O): Promise<ResultOf<O>> {
    for (let sending = 1; ; sending += 1) {
      try {
        return (await send(op, sending)) as ResultOf<O>;
      } catch (error) {
        if (!RouteError.is(error) || error.code !== "TIMEOUT") throw error;
        if (sending === MAX_SENDINGS || !mayRepeat(op) || random.chance(0.4)) throw error;
        onRepeat?.(op);
      }
    }
  }

  return {
    execute,
    executeAll: (ops) => Promise.all(ops.map(async (op) => ({ value: await execute(op) }))),
    podsOf: (...asked) => executor.podsOf(...asked),
    servicesOf: (namespace, uid) => executor.servicesOf(namespace, uid),
    async quiet() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

/** What a second run does no harm to: as the Redis executor repeats. */
function mayRepeat(op: LinkOp): boolean {
  switch (op.kind) {
    case "get":
    case "setIfAbsent":
    case "replace":
      return true;
    case "renew":
    case "remove":
      return op.expected?.token !== undefined;
    case "set":
    case "trySet":
      return false;
  }
}
