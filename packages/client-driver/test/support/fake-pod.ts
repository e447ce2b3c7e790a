import type { Clock, Link, PodReport, Store, Timer } from "@podlink/types";

export const NAMESPACE = "prod";
export const SERVICE = "room";
export const HEARTBEAT_MS = 100;
export const LEASE_MS = 1000;

let lives = 0;

/** A pod as the store sees it: registers, reports, takes links, leaves or falls silent. */
export class FakePod {
  readonly podIndex: number;
  incarnation = 0;
  readonly #store: Store;
  readonly #clock: Clock;
  #report: PodReport;
  #life = "";
  #reportNumber = 0;
  #timer: Timer | undefined;

  constructor(store: Store, clock: Clock, podIndex: number, report: Partial<PodReport> = {}) {
    this.#store = store;
    this.#clock = clock;
    this.podIndex = podIndex;
    this.#report = {
      serviceState: "Ready",
      routingState: "Ready",
      loadState: 0,
      loadScore: 0,
      linkCount: 0,
      leaseMs: LEASE_MS,
      address: { host: "127.0.0.1", httpPort: 3000 + podIndex },
      weight: 1,
      metadata: {},
      ...report,
    };
  }

  /** Registers, again if it did before: a new incarnation. */
  async start(report: Partial<PodReport> = {}): Promise<this> {
    this.crash();
    this.#report = { ...this.#report, ...report };
    this.#life = `life${(lives += 1)}`;
    this.#reportNumber = 0;
    const { rows } = await this.#store.readPods(NAMESPACE, SERVICE);
    const expected = rows.find((row) => row.podIndex === this.podIndex)?.incarnation;
    const result = await this.#store.register({
      ...this.#name(),
      life: this.#life,
      ...(expected === undefined ? undefined : { expected }),
      takeOver: "now",
      generation: "generation",
      report: this.#report,
    });
    if (!result.registered) throw new Error("the pod could not register");
    this.incarnation = result.incarnation;
    this.#beat();
    return this;
  }

  /** Says something else of itself, at once. */
  async say(report: Partial<PodReport>): Promise<void> {
    this.#report = { ...this.#report, ...report };
    await this.#send();
  }

  /** Falls silent without a word. */
  crash(): void {
    this.#timer?.cancel();
  }

  /** Goes on reporting under the same incarnation after a silence. */
  async wake(): Promise<void> {
    await this.#send();
    this.#beat();
  }

  async leave(): Promise<void> {
    this.crash();
    await this.#store.leave({ ...this.#name(), incarnation: this.incarnation });
  }

  /** Takes the link of the uid, as a guard does. */
  async claim(uid: string): Promise<Link> {
    const owner = { podIndex: this.podIndex, incarnation: this.incarnation };
    const op = { kind: "setIfAbsent", namespace: NAMESPACE, service: SERVICE, uid, owner } as const;
    return (await this.#store.execute({ ...op, lifetime: "persistent" })).link;
  }

  #beat(): void {
    this.#timer = this.#clock.setTimer(HEARTBEAT_MS, () => {
      void this.#send();
      this.#beat();
    });
  }

  async #send(): Promise<void> {
    this.#reportNumber += 1;
    await this.#store.report({
      ...this.#name(),
      incarnation: this.incarnation,
      life: this.#life,
      reportNumber: this.#reportNumber,
      report: this.#report,
    });
  }

  #name(): { namespace: string; service: string; podIndex: number } {
    return { namespace: NAMESPACE, service: SERVICE, podIndex: this.podIndex };
  }
}
