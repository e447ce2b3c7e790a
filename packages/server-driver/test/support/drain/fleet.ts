import type { Link } from "@podlink/types";
import type { Scheduler } from "fast-check";
import type { OwnershipModel } from "../one-owner/ownership-model.ts";
import type { Life } from "../one-owner/simulation.ts";
import { Simulation } from "../one-owner/simulation.ts";
import { FAST } from "../world.ts";
import type { Writing } from "./counter-app.ts";
import { CounterApp } from "./counter-app.ts";
import { FencedCounters } from "./fenced-counters.ts";

/** As fewer than any option of FAST says. */
const HURRIED_MS = FAST.handOffTimeoutMs + 2 * FAST.commandTimeoutMs;

/** Pods with an application each, over one storage. */
export class Fleet {
  readonly simulation: Simulation;
  readonly counters = new FencedCounters();
  readonly #apps = new Map<Life, CounterApp>();
  readonly #stored = new Map<string, number>();

  constructor(model: OwnershipModel, scheduler: Scheduler, uids: readonly string[]) {
    this.simulation = new Simulation(model, scheduler, uids);
  }

  begin(podIndex: number): void {
    const life = this.simulation.begin(podIndex);
    this.#apps.set(life, new CounterApp(life, this));
  }

  /** The application in the newest process of that pod. */
  app(podIndex: number): CounterApp {
    return this.#apps.get(this.simulation.life(podIndex)) as CounterApp;
  }

  /** So many acknowledged changes of the user are in the storage now. */
  stored(uid: string, changes: number): void {
    this.#stored.set(uid, (this.#stored.get(uid) ?? 0) + changes);
  }

  /** A gateway follows the link of a 421. Not for ever: the pod that it names may name another. */
  redirected(uid: string, link: Link, writing: Writing, ms: number): void {
    const life = this.simulation.lives.findLast(({ podIndex }) => podIndex === link.podIndex);
    if (life === undefined) this.simulation.model.violations.push(`${uid} was sent to pod ${link.podIndex}`);
    else if (this.#redirects-- > 0) void this.app(link.podIndex).change(uid, writing, ms);
  }

  /** Drains the pod; a second time: hurries it. */
  stop(podIndex: number, deadlineMs?: number): Promise<void> {
    return this.#stop(this.app(podIndex), deadlineMs);
  }

  /** The same for every process there ever was. */
  stopAll(deadlineMs: number): void {
    for (const app of this.#apps.values()) void this.#stop(app, deadlineMs);
  }

  /** What is in the storage is what was put there. */
  checkCounters(): void {
    for (const [uid, changes] of this.#stored) {
      const count = this.counters.count(uid);
      if (count < changes) this.simulation.model.violations.push(`${uid}: ${changes} acknowledged, ${count} there`);
    }
  }

  #redirects = 200;

  /** The application knows of every stop: how much its pod owes depends on the time that it has. */
  #stop(app: CounterApp, deadlineMs: number | undefined): Promise<void> {
    const hurried = app.drainEndsAtMs !== undefined;
    const limitMs = deadlineMs ?? (hurried ? HURRIED_MS : FAST.stop.deadlineMs);
    app.stops(limitMs, hurried);
    const stopped = app.life.driver.stop(deadlineMs === undefined ? {} : { deadlineMs });
    this.simulation.model.follow(app.life, "stop", limitMs, stopped, () => undefined);
    return stopped;
  }
}
