import type {
  Heartbeat,
  HeartbeatResult,
  PodEvent,
  PodReading,
  PodReport,
  PodRow,
  ReadPodsOptions,
  RegisterResult,
  Registration,
  Store,
  Subscription,
} from "@podlink/types";
import { expect, vi } from "vitest";
import type { Subject } from "../subject.ts";

export const LEASE_MS = 10_000;
export const SILENCE_MS = 4500;
/** How long a test waits for what comes by itself, in real time. */
export const SOON = { timeout: 10_000, interval: 2 };

/** What an ordinary pod reports. */
export function podReport(changes: Partial<PodReport> = {}): PodReport {
  return {
    serviceState: "Ready",
    routingState: "Ready",
    loadState: 0,
    loadScore: 10,
    linkCount: 0,
    leaseMs: LEASE_MS,
    address: { host: "10.0.0.1", httpPort: 3000 },
    weight: 1,
    metadata: {},
    ...changes,
  };
}

/** A registered pod, as its process knows itself. */
export interface RegisteredPod {
  readonly podIndex: number;
  readonly life: string;
  readonly incarnation: number;
}

interface Watched {
  readonly events: PodEvent[];
  readonly subscription: Subscription;
  readonly sequence: number;
}

/** One service of one test, with the calls of its pods and readers in short. */
export class ServiceProbe {
  readonly namespace: string;
  readonly service: string;
  readonly #subject: Subject<Store>;
  readonly #reports = new Map<number, number>();
  /** The pod index that the last watcher was opened with. */
  #watchers = 10_000;

  constructor(subject: Subject<Store>) {
    this.namespace = subject.namespace;
    this.service = subject.uniqueName();
    this.#subject = subject;
  }

  /** The full registration of a pod that starts for the first time. */
  registration(changes: Partial<Registration> = {}): Registration {
    const { namespace, service } = this;
    return {
      namespace,
      service,
      podIndex: 0,
      life: "life-a",
      takeOver: "wait",
      generation: "generation-of-the-test",
      report: podReport(),
      ...changes,
    };
  }

  register(changes: Partial<Registration> = {}): Promise<RegisterResult> {
    return this.#subject.registry.register(this.registration(changes));
  }

  /** Registers a pod that nothing stands in the way of. */
  async given(podIndex: number, report: Partial<PodReport> = {}): Promise<RegisteredPod> {
    const life = `life-${podIndex}`;
    const result = await this.register({ podIndex, life, report: podReport(report) });
    if (!result.registered) throw new Error("the pod could not be registered");
    return { podIndex, life, incarnation: result.incarnation };
  }

  heartbeat({ podIndex, incarnation, life }: RegisteredPod, changes: Partial<Heartbeat> = {}): Heartbeat {
    const { namespace, service } = this;
    const reportNumber = (this.#reports.get(incarnation) ?? 0) + 1;
    this.#reports.set(incarnation, reportNumber);
    return { namespace, service, podIndex, incarnation, life, reportNumber, report: podReport(), ...changes };
  }

  /** The next report of a pod, or one with a number of its own. */
  report(
    pod: RegisteredPod,
    changes: Partial<PodReport> = {},
    heartbeat: Partial<Heartbeat> = {},
  ): Promise<HeartbeatResult> {
    return this.#subject.registry.report(this.heartbeat(pod, { report: podReport(changes), ...heartbeat }));
  }

  leave({ podIndex, incarnation }: RegisteredPod): Promise<{ readonly left: boolean }> {
    return this.#subject.registry.leave({ namespace: this.namespace, service: this.service, podIndex, incarnation });
  }

  read(options: ReadPodsOptions = {}): Promise<PodReading> {
    return this.#subject.store.readPods(this.namespace, this.service, options);
  }

  /** What changed since an earlier reading. */
  readSince({ generation, sequence }: PodReading): Promise<PodReading> {
    return this.read(generation === undefined ? {} : { known: { generation, sequence } });
  }

  async row(podIndex: number): Promise<PodRow | undefined> {
    return (await this.read()).rows.find((row) => row.podIndex === podIndex);
  }

  /**
   * Collects the published events of the service from now on. A pod more is registered, and what is heard until that arrives
   * is left out: earlier events may still be under way, and one that the subscription came too late for is told as a gap.
   * `sequence` is the number that the next change follows.
   */
  async watch({ store }: Pick<Subject<Store>, "store"> = this.#subject): Promise<Watched> {
    const events: PodEvent[] = [];
    const subscription = store.watchPods(this.namespace, this.service, (event) => void events.push(event));
    const { podIndex } = await this.given((this.#watchers -= 1));
    const isBegun = (event: PodEvent): boolean => event.kind === "gap" || event.row.podIndex === podIndex;
    if (this.#subject.can("pushes")) await vi.waitFor(() => expect(events.some(isBegun)).toBe(true), SOON);
    events.length = 0;
    const { sequence } = await this.read();
    return { events, subscription, sequence };
  }
}

/** Waits, in real time, until so many pushes have arrived. */
export async function arrived<E>(events: readonly E[], count: number): Promise<void> {
  await vi.waitFor(() => expect(events.length).toBeGreaterThanOrEqual(count), SOON);
}
