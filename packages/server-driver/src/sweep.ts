import type { Claims } from "./claims.ts";
import type { PodContext } from "./context.ts";
import type { OwnershipTable } from "./ownership-table.ts";
import { Pacer } from "./pacer.ts";
import { OWN_ACCOUNT_RATE_PER_SECOND } from "./verification.ts";

/** After a new registration: claims what was held before, so that requests find it ready and nobody else moves it. */
export class Sweep {
  readonly #context: PodContext;
  readonly #table: OwnershipTable;
  readonly #claims: Claims;
  #running: AbortController | undefined;

  constructor(context: PodContext, table: OwnershipTable, claims: Claims) {
    this.#context = context;
    this.#table = table;
    this.#claims = claims;
  }

  /** Whether one is under way. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  stop(): void {
    this.#running?.abort();
  }

  /** Claims all unverified uids at a pace, beside what requests claim. A new sweep ends the one before. Never rejects. */
  async run(): Promise<void> {
    this.stop();
    const running = new AbortController();
    this.#running = running;
    const pacer = new Pacer(this.#context.clock, () => OWN_ACCOUNT_RATE_PER_SECOND);
    const uids = this.#table.unverifiedUids();
    this.#context.event({ kind: "sweep", phase: "started", links: uids.length });
    for (let at = 0; at < uids.length;) {
      const turns = await pacer.take(uids.length - at, running.signal);
      if (turns === 0) break;
      await Promise.all(uids.slice(at, at + turns).map((uid) => this.#claim(uid)));
      at += turns;
    }
    if (this.#running === running) this.#running = undefined;
    this.#context.event({ kind: "sweep", phase: "ended", links: this.#table.unverifiedCount });
  }

  async #claim(uid: string): Promise<void> {
    // A request may have claimed it meanwhile.
    if (this.#table.unverifiedToken(uid) !== undefined) await this.#claims.claim(uid);
  }
}
