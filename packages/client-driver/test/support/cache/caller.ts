import type { ScheduledStore } from "@podlink/testkit";
import { scheduledStore } from "@podlink/testkit";
import type { CallOptions, Link, LinkOp, LinkStore, ResultOf, Store } from "@podlink/types";
import type { Scheduler } from "fast-check";
import type { World } from "../world.ts";
import { NAMESPACE, SERVICE, world } from "../world.ts";
import type { CacheModel } from "./cache-model.ts";
import { STEP_MS } from "./cache-model.ts";

export const UIDS = ["alice", "bob"];
export const CACHE_SECS = 2;
/** The pod that comes and goes; the others serve all the time. */
export const TROUBLED = 2;

/** A caller whose answers arrive in the scheduler's order, among pods and other callers. */
export interface CachingCaller {
  readonly here: World;
  readonly model: CacheModel;
  readonly answers: ScheduledStore;
  readonly aborts: AbortController[];
  look(): void;
  /** Time passes in small steps, so that nothing happens unseen. */
  pass(ms: number): Promise<void>;
  /** Up to so many of the calls and answers that wait go on. */
  deliver(count: number): Promise<void>;
  /** The link as the store has it. */
  stored(uid: string): Promise<Link | undefined>;
  end(): Promise<void>;
}

export async function cachingCaller(model: CacheModel, scheduler: Scheduler): Promise<CachingCaller> {
  const made: ScheduledStore[] = [];
  const here = await world(3, {
    driver: { linkInfoCacheTimeSecs: CACHE_SECS },
    links: (line) => {
      const answers = scheduledStore(line as Store, scheduler);
      made.push(answers);
      return watched(answers.store, model, () => here.clock.nowMs());
    },
  });
  const { clock, store, driver } = here;
  const execute = store.execute.bind(store);
  store.execute = async (op, call) => {
    const answer = await execute(op, call);
    model.executed(op, answer, (podIndex) => podIndex !== TROUBLED);
    return answer;
  };
  const look = (): void => {
    for (const uid of UIDS) {
      const cached = driver.getLinkedInCache({ service: SERVICE, uid });
      model.look(uid, cached, clock.nowMs());
      const peeked = here.rooms.peek(uid);
      if (peeked !== undefined && peeked !== cached?.podIndex) model.violations.push(`peek says pod ${peeked}`);
    }
  };
  const deliver = async (count: number): Promise<void> => {
    for (let done = 0; done < count && scheduler.count() > 0; done += 1) {
      await scheduler.waitNext(1);
      await clock.advance(0);
      look();
    }
  };
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      await clock.advance(STEP_MS);
      model.passed(STEP_MS);
      look();
    }
  };
  const answers = made[0] as ScheduledStore;
  return {
    here,
    model,
    answers,
    aborts: [],
    look,
    pass,
    deliver,
    stored: (uid) => store.execute({ kind: "get", namespace: NAMESPACE, service: SERVICE, uid }),
    async end() {
      here.line.heal();
      answers.flow();
      await deliver(Number.POSITIVE_INFINITY);
      await pass(1000);
      if (model.pending > 0) model.violations.push(`${model.pending} calls are left`);
      const { waiting } = driver.read();
      if (waiting !== 0) model.violations.push(`${waiting} calls are waited for`);
      for (const pod of here.pods) pod.crash();
      await driver.close();
      await here.routes.close();
      await clock.advance(1000);
      if (clock.pendingTimers > 0) model.violations.push(`${clock.pendingTimers} timers are left`);
    },
  };
}

/** Tells the model what the caller sends, and what it hears. */
function watched(links: LinkStore, model: CacheModel, nowMs: () => number): LinkStore {
  return {
    async execute<O extends LinkOp>(op: O, call?: CallOptions): Promise<ResultOf<O>> {
      // Only flights renew what they find.
      const isFlight = op.kind === "setIfAbsent" && op.renew === true;
      const flight = isFlight ? model.sent(op.uid, nowMs()) : undefined;
      try {
        return await links.execute(op, call);
      } finally {
        if (flight !== undefined) model.landed(flight);
        model.touched(op.uid, nowMs());
      }
    },
    executeAll: (ops, call) => links.executeAll(ops, call),
    podsOf: (...asked) => links.podsOf(...asked),
    servicesOf: (namespace, uid, call) => links.servicesOf(namespace, uid, call),
  };
}
