import { MemoryExecutor } from "@podlink/memory-executor";
import type { FakeClock, FaultyStore, ScheduledStore } from "@podlink/testkit";
import { fakeClock, faultyStore, scheduledStore } from "@podlink/testkit";
import type { Link } from "@podlink/types";
import type { Scheduler } from "fast-check";
import { ServerDriver } from "../../../src/index.ts";
import { PausableProcess } from "../pausable.ts";
import { peersOf } from "../peers.ts";
import { FAST, NAMESPACE, SERVICE } from "../world.ts";
import type { LifeOfPod, OwnershipModel } from "./ownership-model.ts";

export const UIDS = ["ann", "bob"];
export const PODS = [0, 1];
const GRACE_MS = FAST.leaseMs;

export interface Life extends LifeOfPod {
  readonly line: FaultyStore<MemoryExecutor>;
  readonly answers: ScheduledStore;
}

/** Real drivers over one store, each with a process, a line and answers of its own that can be disturbed. */
export class Simulation {
  readonly clock: FakeClock = fakeClock();
  readonly store: MemoryExecutor = new MemoryExecutor({ clock: this.clock });
  readonly model: OwnershipModel;
  readonly lives: Life[] = [];
  readonly #scheduler: Scheduler;
  readonly #uids: readonly string[];

  /** @param uids the users that are watched. */
  constructor(model: OwnershipModel, scheduler: Scheduler, uids: readonly string[] = UIDS) {
    this.model = model;
    this.#scheduler = scheduler;
    this.#uids = uids;
  }

  /** A process of that pod begins. */
  begin(podIndex: number): Life {
    const process = new PausableProcess(this.clock, this.lives.length * 12_345);
    const line = faultyStore(this.store, { clock: this.clock });
    const answers = scheduledStore(line.store, this.#scheduler);
    const store = process.through(answers.store);
    const { clock } = process;
    const settings = { ...FAST, namespace: NAMESPACE, service: SERVICE, podIndex };
    const driver = new ServerDriver({ store, clock, routes: peersOf(store, NAMESPACE) }, settings);
    const life: Life = { podIndex, driver, process, line, answers };
    this.lives.push(life);
    this.model.begin(life);
    driver.ready();
    driver.start().catch(() => undefined);
    return life;
  }

  /** The newest process of that pod. */
  life(podIndex: number): Life {
    return this.lives.findLast((life) => life.podIndex === podIndex) as Life;
  }

  /** The same, if it runs. */
  awake(podIndex: number): Life | undefined {
    const life = this.life(podIndex);
    return life.process.isPaused ? undefined : life;
  }

  check(): void {
    for (const uid of this.#uids) this.model.check(uid);
  }

  ask(podIndex: number, uid: string, tokensMore = 0, timeoutMs: number = FAST.handOffTimeoutMs): void {
    const life = this.awake(podIndex);
    if (life === undefined) return;
    const answer = life.driver.guard(uid, { token: String(this.model.newestToken(uid) + tokensMore), timeoutMs });
    if (answer instanceof Promise) {
      const heard = (got: Awaited<typeof answer>): void => this.model.answered(life, uid, got);
      this.model.follow(life, "guard", timeoutMs, answer, heard);
    } else this.model.answered(life, uid, answer);
  }

  /** A process goes on; the first requests come before its timers, or after them. */
  async resume(podIndex: number, first: "timers" | "answers"): Promise<void> {
    await this.life(podIndex).process.resume(first, () => this.check());
    this.check();
  }

  /** Up to so many of the calls and answers that wait go on, one after the other. */
  async deliver(count: number): Promise<void> {
    for (let done = 0; done < count && this.#scheduler.count() > 0; done += 1) {
      await this.#scheduler.waitNext(1);
      await this.clock.advance(0);
      this.check();
    }
  }

  /** In small steps, so that nothing happens unseen. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 10) {
      await this.clock.advance(10);
      this.model.passed(10);
      this.check();
    }
  }

  /** All lines are whole, all processes run, all answers come at once. */
  async calm(): Promise<void> {
    for (const { process, line, answers } of this.lives) {
      answers.flow();
      line.heal();
      await process.resume();
    }
    await this.deliver(Number.POSITIVE_INFINITY);
  }

  link(uid: string): Promise<Link | undefined> {
    return this.store.execute({ kind: "get", namespace: NAMESPACE, service: SERVICE, uid });
  }

  /** What a caller does about a link of a pod that has been silent for lease and grace. */
  async failover(uid: string): Promise<void> {
    const link = await this.link(uid);
    if (link === undefined) return;
    const { rows } = await this.store.readPods(NAMESPACE, SERVICE);
    const row = rows.find(({ podIndex }) => podIndex === link.podIndex);
    const silentForMs = this.clock.wallMs() - (row?.reportedAtMs ?? 0);
    const goodbye = row?.serviceState === "Terminating" || row?.serviceState === "Failed";
    const mayReplace = link.kind !== "owned" || goodbye || silentForMs >= FAST.leaseMs + GRACE_MS;
    if (!mayReplace || (row !== undefined && link.incarnation !== undefined && row.incarnation > link.incarnation))
      return;
    const owner = { podIndex: PODS.find((index) => index !== link.podIndex) ?? 0 };
    await this.store.execute({
      kind: "replace",
      namespace: NAMESPACE,
      service: SERVICE,
      uid,
      expectedToken: link.token,
      owner,
      lifetime: { ttlMs: 60_000 },
    });
  }

  /** Everything ends. */
  async end(): Promise<void> {
    await this.calm();
    for (const { driver } of this.lives) void driver.stop({ deadlineMs: 1500 });
    await this.clock.advance(10_000);
    await this.deliver(Number.POSITIVE_INFINITY);
    this.model.checkEnd();
    if (this.clock.pendingTimers > 0) this.model.violations.push(`${this.clock.pendingTimers} timers are left`);
  }
}
