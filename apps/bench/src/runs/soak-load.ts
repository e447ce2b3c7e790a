import { RouteError } from "@podlink/types";
import type { Pod, Podlink } from "podlink";

/** Uids come back for so long, then others do: links are made, owned, released, expire. */
export const USERS_AT_ONCE = 2000;
const REQUESTS_PER_SECOND = 500;
const NEW_USERS_PER_SECOND = 100;
const TICK_MS = 20;
/** How often a request that a pod refuses as another's is sent on, as a gateway does. */
const HOPS = 3;

/** Users that come, stay for a while and go, at a constant rate however long the answers take. */
export class SoakLoad {
  /** Requests that a pod's guard let in. */
  served = 0;
  /** Users that have gone. */
  gone = 0;
  /** What became of the others, by the code or the guard's reason. */
  readonly failures: Record<string, number> = {};
  readonly #caller: Podlink;
  readonly #pods: readonly Pod[];
  readonly #underWay = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #newest = USERS_AT_ONCE; // all there at once: nothing grows because they still come

  /** @param pods by pod index; may change meanwhile */
  constructor(caller: Podlink, pods: readonly Pod[]) {
    this.#caller = caller;
    this.#pods = pods;
  }

  start(): void {
    let due = 0;
    let coming = 0;
    let lastMs = performance.now();
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      due += ((nowMs - lastMs) / 1000) * REQUESTS_PER_SECOND;
      coming += ((nowMs - lastMs) / 1000) * NEW_USERS_PER_SECOND;
      lastMs = nowMs;
      for (; coming >= 1; coming -= 1) this.#newest += 1;
      for (; due >= 1; due -= 1) {
        const first = this.#newest - USERS_AT_ONCE;
        this.#track(this.#request(`user-${first + Math.floor(Math.random() * (USERS_AT_ONCE + 1))}`));
      }
      while (this.gone < this.#newest - USERS_AT_ONCE) this.#track(this.#leave(`user-${this.gone++}`));
    }, TICK_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#failed(RouteError.is(error) ? error.code : String(error)))
      .finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }

  #failed(why: string): void {
    this.failures[why] = (this.failures[why] ?? 0) + 1;
  }

  /** As a gateway asks, and the pod's guard answers: a first request makes the pod take the user. */
  async #request(uid: string): Promise<void> {
    const rooms = this.#caller.service("room");
    let target = await rooms.target(uid);
    for (let hop = 1; ; hop += 1) {
      const { driver } = this.#pods[target.podIndex]!;
      const { namespace, service, token } = target.link;
      const pod = { namespace, service, podIndex: target.podIndex, incarnation: target.incarnation };
      const answer = await driver.guard(uid, { token, pod });
      if (answer.ok) {
        this.served += 1;
        return;
      }
      const isElsewhere = answer.reason === "held-by" || answer.reason === "not-me" || answer.reason === "stopped";
      if (!isElsewhere || hop === HOPS) return this.#failed(answer.reason);
      target = await rooms.misdirected(target, answer.link);
    }
  }

  /** Released at once, or with a grace. */
  async #leave(uid: string): Promise<void> {
    const holder = this.#pods.find(({ driver }) => driver.isHeld(uid));
    await holder?.driver.removeLinkedPod(uid, Math.random() < 0.5 ? 0 : 1000);
  }
}
