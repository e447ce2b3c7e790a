import type { FaultRow } from "@podlink/faults";
import { compareTokens, RouteError } from "@podlink/types";
import { setTimeout } from "node:timers/promises";
import type { StorePods } from "./store-pods.ts";

/** Between two users that come in ms. */
const PAUSE_MS = 10;
/** Every so many of them has been there before. */
const RETURNS_EVERY = 3;

/** A user who was answered that a pod holds his link, from then on. All times on this process' monotonic clock. */
export interface Arrival {
  readonly uid: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly by: number;
  readonly token: string;
}

/** A pod's period of a user, and when the pod was told of it. */
interface Taken {
  readonly token: string;
  readonly atMs: number;
}

/**
 * New users come all the time, each is placed by the caller and claimed by the pod; some come again; pods renew beside it.
 * Remembered is who was told yes, and when each pod learned that another server answers.
 */
export class ComingUsers implements AsyncDisposable {
  readonly arrivals: Arrival[] = [];
  readonly #row: FaultRow;
  readonly #world: StorePods;
  readonly #taken = new Map<string, Taken[]>();
  readonly #epochAtMs: (number | undefined)[];
  readonly #underWay = new Set<Promise<void>>();
  readonly #done: Promise<void>;
  #asked = 0;
  #refused = 0;
  #ended = false;

  constructor(row: FaultRow, world: StorePods) {
    this.#row = row;
    this.#world = world;
    this.#epochAtMs = world.pods.map(() => undefined);
    for (const { podIndex, driver, store } of world.pods) {
      store.watchStore((event) => {
        if (event.kind === "epoch") this.#epochAtMs[podIndex] ??= performance.now();
      });
      driver.onPeriod((event) => {
        if (event.kind !== "taken") return;
        const taken = this.#taken.get(event.uid) ?? [];
        taken.push({ token: event.link.token, atMs: performance.now() });
        this.#taken.set(event.uid, taken);
      });
    }
    this.#done = this.#run();
  }

  get asked(): number {
    return this.#asked;
  }

  /** How many were told no, or got no answer in time. */
  get refused(): number {
    return this.#refused;
  }

  /** The links by which pods said yes while they still wrote to the server of before: each at its first time. */
  acknowledgedBeforeEpoch(): Arrival[] {
    const links = new Map<string, Arrival>();
    for (const arrival of this.arrivals) {
      const { uid, token, by, toMs } = arrival;
      if (toMs >= (this.#epochAtMs[by] ?? Infinity)) continue;
      const known = links.get(`${uid} ${token}`);
      if (known === undefined || known.toMs > toMs) links.set(`${uid} ${token}`, arrival);
    }
    return [...links.values()];
  }

  /** The first yes that a pod gave on another server than before. */
  firstAfterEpoch(): Arrival | undefined {
    return this.arrivals.find(({ by, fromMs }) => fromMs >= (this.#epochAtMs[by] ?? Infinity));
  }

  /** When a pod has taken the user again, under a higher token. */
  takenAgainAt({ uid, token }: Arrival): number | undefined {
    return this.#taken.get(uid)?.find((taken) => compareTokens(taken.token, token) > 0)?.atMs;
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#done;
    await Promise.all(this.#underWay);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }

  /** An open loop: who comes doesn't wait for who came before. */
  async #run(): Promise<void> {
    for (let turn = 0; !this.#ended; turn += 1) {
      const isBack = turn % RETURNS_EVERY === RETURNS_EVERY - 1;
      const uid = isBack ? this.arrivals[(turn * 7) % (this.arrivals.length || 1)]?.uid : `user-${turn}`;
      const asked = this.#row.request(() => this.#ask(uid ?? `user-${turn}`));
      this.#underWay.add(asked);
      void asked.finally(() => this.#underWay.delete(asked));
      await setTimeout(PAUSE_MS);
    }
  }

  async #ask(uid: string): Promise<void> {
    const fromMs = performance.now();
    this.#asked += 1;
    try {
      const answer = await this.#world.ask(uid);
      if (!answer.ok) this.#refused += 1;
      else this.arrivals.push({ uid, fromMs, toMs: performance.now(), by: answer.by, token: answer.link.token });
    } catch (error) {
      if (!RouteError.is(error)) throw error;
      this.#refused += 1;
    }
  }
}
