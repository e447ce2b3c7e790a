import type { Violation } from "@podlink/testkit";
import { FencedWriteWatcher } from "@podlink/testkit";
import type { Command } from "./commands-of.ts";

/** A load that raised the fence of a session, or a write, which the session store took. */
export interface AcceptedStep {
  readonly atMs: number;
  readonly kind: "load" | "write";
  readonly token: string;
  readonly holder: string;
}

/** Arguments of the two scripts: key, then token, holder, ttl; a write has five more. */
const WRITE_ARGUMENTS = 8;

/**
 * What the session store took, by its own account: a script that was asked for with a token and a holder, and went on to change the
 * session. Holds that no lower (token, holder) comes after a higher one.
 */
export class SessionHistory {
  readonly violations: Violation[] = [];
  readonly #watcher: FencedWriteWatcher;
  readonly #users = new Map<string, AcceptedStep[]>();
  #writes = 0;
  #asked: (AcceptedStep & { readonly key: string }) | undefined;

  constructor() {
    this.#watcher = new FencedWriteWatcher({ onViolation: (violation) => this.violations.push(violation) });
  }

  /** How many writes were taken. */
  get writes(): number {
    return this.#writes;
  }

  /** How many steps were taken, loads too. */
  get steps(): number {
    return this.#watcher.observed;
  }

  hear({ atMs, words, inScript }: Command): void {
    const [command = "", , , key = "", token = "", holder = "", ...rest] = words;
    if (!inScript) {
      const isScript = /^eval(sha)?$/i.test(command);
      const kind = rest.length + 2 >= WRITE_ARGUMENTS ? "write" : "load";
      this.#asked = isScript ? { key, atMs, kind, token, holder } : undefined;
      return;
    }
    if (command.toUpperCase() !== "HSET" || this.#asked === undefined || words[1] !== this.#asked.key) return;
    const { key: of, ...step } = this.#asked;
    this.#asked = undefined;
    const uid = of.slice(of.lastIndexOf("/") + 1);
    const steps = this.#users.get(uid) ?? [];
    this.#users.set(uid, steps);
    steps.push(step);
    if (step.kind === "write") this.#writes += 1;
    this.#watcher.accepted({ uid, token: step.token, holder: step.holder, startedMs: atMs, endedMs: atMs });
  }

  of(uid: string): readonly AcceptedStep[] {
    return this.#users.get(uid) ?? [];
  }
}
