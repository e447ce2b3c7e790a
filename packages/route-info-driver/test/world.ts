import { MemoryExecutor } from "@podlink/memory-executor";
import type { RouteInfoDriver, RouteInfoOptions, RouteInfoPorts } from "@podlink/route-info-driver";
import { createRouteInfoDriver } from "@podlink/route-info-driver";
import type { FakeClock, FaultyStore, RecordingLogger, RecordingObserver } from "@podlink/testkit";
import { fakeClock, faultyStore, recordingLogger, recordingObserver } from "@podlink/testkit";
import type { PodReport } from "@podlink/types";

export interface World {
  readonly clock: FakeClock;
  readonly memory: MemoryExecutor;
  readonly line: FaultyStore;
  readonly logger: RecordingLogger;
  readonly observer: RecordingObserver;
  driver(options?: RouteInfoOptions, ports?: Partial<RouteInfoPorts>): RouteInfoDriver;
  /** Registers a pod, or a new life of it; returns its incarnation. It reports once. */
  pod(podIndex: number, report?: Partial<PodReport>, service?: string): Promise<number>;
  leave(podIndex: number): Promise<void>;
  close(): Promise<void>;
}

export function makeWorld(): World {
  const clock = fakeClock();
  const memory = new MemoryExecutor({ clock });
  const line = faultyStore(memory, { clock });
  const logger = recordingLogger();
  const observer = recordingObserver();
  const drivers: RouteInfoDriver[] = [];
  let lives = 0;
  const rowOf = async (service: string, podIndex: number): Promise<number | undefined> =>
    (await memory.readPods("prod", service)).rows.find((row) => row.podIndex === podIndex)?.incarnation;
  return {
    clock,
    memory,
    line,
    logger,
    observer,
    driver(options = {}, ports = {}) {
      const { store } = line;
      const own = { directory: store, catalogue: store, namespace: "prod", clock, logger, observer };
      const driver = createRouteInfoDriver({ ...own, random: () => 0.5, ...ports }, options);
      drivers.push(driver);
      return driver;
    },
    async pod(podIndex, report = {}, service = "room") {
      lives += 1;
      const expected = await rowOf(service, podIndex);
      const done = await memory.register({
        namespace: "prod",
        service,
        podIndex,
        life: `life-${lives}`,
        generation: `generation-${lives}`,
        takeOver: "now",
        ...(expected === undefined ? undefined : { expected }),
        report: {
          serviceState: "Ready",
          routingState: "Ready",
          loadState: 0,
          loadScore: 0,
          linkCount: 0,
          leaseMs: 10_000,
          weight: 1,
          metadata: {},
          ...report,
        },
      });
      if (!done.registered) throw new Error("not registered");
      return done.incarnation;
    },
    async leave(podIndex) {
      const incarnation = await rowOf("room", podIndex);
      if (incarnation !== undefined) await memory.leave({ namespace: "prod", service: "room", podIndex, incarnation });
    },
    async close() {
      for (const driver of drivers) await driver.close();
    },
  };
}

/** Chance that repeats. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
