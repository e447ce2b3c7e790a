import { randomBytes } from "node:crypto";
import type { PodIdentity, PodReport, RegisterResult } from "@podlink/types";
import { failpoint } from "@podlink/types/failpoint";
import type { PodContext } from "./context.ts";

export type RegistrationOutcome = "registered" | "superseded";

/**
 * How often one registration is answered that the row is another, or gone, until that counts as being superseded: at the first
 * start once for the row that was there, and once for one that came since.
 */
const MOST_TRIES = 3;

/**
 * This process as a life of its pod: its incarnation, and how it gets one. Compare-and-set on the incarnation that it had
 * last (at its first start: that it found), so that of two processes of one pod exactly one goes on.
 */
export class Registration {
  readonly #context: PodContext;
  readonly #life = randomBytes(12).toString("base64url");
  readonly #newGeneration = randomBytes(16).toString("hex");
  #identity: PodIdentity | undefined;
  #generation: string | undefined;
  /**
   * What is expected to be in the row: none at first, which is answered with what is there (to read it, all pods would have
   * to be read); then what this process had last.
   */
  #expected: number | undefined;
  #floor = 0;
  #claimFromMs: number | undefined;

  constructor(context: PodContext) {
    this.#context = context;
  }

  /** Absent: never registered. */
  get identity(): PodIdentity | undefined {
    return this.#identity;
  }

  get life(): string {
    return this.#life;
  }

  /** The service's generation, as of the registration. */
  get generation(): string | undefined {
    return this.#generation;
  }

  /** Until this pod may claim, by its own monotonic clock; 0: it may. */
  get claimAfterMs(): number {
    return Math.max(0, (this.#claimFromMs ?? 0) - this.#context.clock.nowMs());
  }

  /** The next incarnation is to be higher than this one. */
  raiseFloor(incarnation: number): void {
    this.#floor = Math.max(this.#floor, incarnation);
  }

  /**
   * Registers under a new incarnation.
   * @param onRegistered called when the store has answered, before the new identity is there to be seen; `wasGone`: the row
   *   that this process had was missing.
   * @throws RouteError of the store; asking again is safe, since the row of a reply that got lost is adopted.
   */
  async register(report: () => PodReport, onRegistered: (wasGone: boolean) => void): Promise<RegistrationOutcome> {
    const first = this.#identity === undefined;
    for (let tries = 1; ; tries += 1) {
      await failpoint("before-register", { incarnation: this.#expected });
      const result = await this.#ask(this.#expected, report());
      if (result.registered) {
        onRegistered(!first && this.#expected === undefined);
        this.#adopt(result);
        return "registered";
      }
      // No row at all supersedes nobody. At the first start the row that was found may have changed since: once.
      const goOn = tries < MOST_TRIES && (result.found === undefined || first);
      if (!goOn) return "superseded";
      this.#expected = result.found;
    }
  }

  #ask(expected: number | undefined, report: PodReport): Promise<RegisterResult> {
    const { store, name, settings } = this.#context;
    return this.#context.ask("registering", (timeoutMs) =>
      store.register(
        {
          ...name,
          life: this.#life,
          takeOver: settings.takeOver,
          generation: this.#newGeneration,
          report,
          ...(expected === undefined ? undefined : { expected }),
          ...(this.#floor === 0 ? undefined : { floor: this.#floor }),
        },
        { timeoutMs },
      ),
    );
  }

  #adopt(result: RegisterResult & { readonly registered: true }): void {
    // The first answer counts: later ones repeat the wait that stands in the row, and this process has been there since.
    this.#claimFromMs ??= this.#context.clock.nowMs() + result.claimAfterMs;
    const { namespace, service, podIndex } = this.#context.name;
    this.#identity = Object.freeze({ namespace, service, podIndex, incarnation: result.incarnation });
    this.#generation = result.generation;
    this.#expected = result.incarnation;
    this.raiseFloor(result.incarnation);
  }
}
