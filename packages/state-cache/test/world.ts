import { MemoryExecutor } from "@podlink/memory-executor";
import type { ServiceStateCache as Cache, PodChange, StateCacheOptions } from "@podlink/state-cache";
import { ServiceStateCache } from "@podlink/state-cache";
import type { FakeClock, FaultyStore, RecordingLogger } from "@podlink/testkit";
import { fakeClock, faultyStore, recordingLogger } from "@podlink/testkit";
import type { PodReport, PodRow, Timer } from "@podlink/types";

const NAMESPACE = "prod";
const SERVICE = "room";
/** The times of the pods here. The cache's are the defaults. */
export const HEARTBEAT_MS = 2000;
export const LEASE_MS = 10_000;

/** A pod that registers and reports by itself, as the server driver does. */
interface TestPod {
  readonly podIndex: number;
  readonly incarnation: number;
  /** Says something else from now on, and at once. */
  say(report: Partial<PodReport>): Promise<void>;
  /** Stops reporting, without a word. */
  fallSilent(): void;
  /** Goes on reporting. */
  speak(): void;
  leave(): Promise<void>;
}

export interface World {
  readonly clock: FakeClock;
  readonly memory: MemoryExecutor;
  readonly line: FaultyStore;
  readonly logger: RecordingLogger;
  cache(options?: StateCacheOptions): Cache;
  pod(podIndex: number, report?: Partial<PodReport>): Promise<TestPod>;
  /** "3: alive available routable -> ..." of every change. */
  changesOf(cache: Cache): PodChange[];
  close(): void;
}

function reportOf(parts: Partial<PodReport> = {}): PodReport {
  return {
    serviceState: "Ready",
    routingState: "Ready",
    loadState: 0,
    loadScore: 0,
    linkCount: 0,
    leaseMs: LEASE_MS,
    weight: 1,
    metadata: {},
    ...parts,
  };
}

export function rowOf(parts: Partial<PodRow> = {}): PodRow {
  const rest = { podIndex: 0, incarnation: 1, life: "a", reportNumber: 0, reportedAtMs: 0, sequence: 1 };
  return { ...reportOf(), ...rest, ...parts };
}

export function makeWorld(): World {
  const clock = fakeClock();
  const memory = new MemoryExecutor({ clock });
  const line = faultyStore(memory, { clock });
  const logger = recordingLogger();
  const closers: (() => void)[] = [];
  let lives = 0;
  return {
    clock,
    memory,
    line,
    logger,
    cache(options = {}) {
      const cache = new ServiceStateCache(
        { directory: line.store, namespace: NAMESPACE, service: SERVICE, clock, logger, random: () => 0.5 },
        options,
      );
      closers.push(() => cache.close());
      return cache;
    },
    async pod(podIndex, parts = {}) {
      lives += 1;
      const name = { namespace: NAMESPACE, service: SERVICE, podIndex };
      const life = `life-${lives}`;
      let report = reportOf(parts);
      const found = (await memory.readPods(NAMESPACE, SERVICE)).rows.find((row) => row.podIndex === podIndex);
      const done = await memory.register({
        ...name,
        life,
        report,
        generation: `generation-${lives}`,
        takeOver: "now",
        ...(found === undefined ? undefined : { expected: found.incarnation }),
      });
      if (!done.registered) throw new Error("not registered");
      const { incarnation } = done;
      let reportNumber = 0;
      let timer: Timer | undefined;
      const beat = async (): Promise<void> => {
        reportNumber += 1;
        await memory.report({ ...name, incarnation, life, reportNumber, report });
      };
      const speak = (): void => {
        timer = clock.setTimer(HEARTBEAT_MS, () => {
          speak();
          void beat();
        });
      };
      speak();
      const fallSilent = (): void => timer?.cancel();
      closers.push(fallSilent);
      return {
        podIndex,
        incarnation,
        async say(more) {
          report = { ...report, ...more };
          await beat();
        },
        fallSilent,
        speak,
        async leave() {
          fallSilent();
          await memory.leave({ ...name, incarnation });
        },
      };
    },
    changesOf(cache) {
      const changes: PodChange[] = [];
      cache.onChange((change) => changes.push(change));
      return changes;
    },
    close() {
      for (const close of closers) close();
    },
  };
}

/** A change in a few words: "0: first routable", "0: routable -> gone". */
export function told({ podIndex, previous, current }: PodChange): string {
  const words = (pod: PodChange["current"]): string => {
    if (pod.routable) return "routable";
    if (pod.available) return "available";
    return pod.alive ? "alive" : "gone";
  };
  return `${podIndex}: ${previous === undefined ? "first" : words(previous)} -> ${words(current)}`;
}
