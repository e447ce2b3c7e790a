import type { Entry, GuardRequest } from "@podlink/server-driver";
import type { PodEntrance } from "@podlink/http";
import { linkTo } from "./table-route.ts";

type Refusal = Extract<Entry, { ok: false }>;

/** A pod whose ownership is a table: it has every uid that it doesn't refuse. */
export class TablePod implements PodEntrance {
  readonly podIndex: number;
  readonly refusals = new Map<string, Refusal>();
  readonly entered: { readonly uid: string; readonly request: GuardRequest }[] = [];
  readonly period = new AbortController();
  running = 0;
  /** Answers after this, as a claim does. Absent: at once. */
  claim: Promise<void> | undefined;

  constructor(podIndex: number) {
    this.podIndex = podIndex;
  }

  refuse(uid: string, refusal: Omit<Refusal, "ok">): void {
    this.refusals.set(uid, { ok: false, ...refusal });
  }

  enter(uid: string, request: GuardRequest = {}): Entry | Promise<Entry> {
    this.entered.push({ uid, request });
    return this.claim === undefined ? this.#answer(uid) : this.claim.then(() => this.#answer(uid));
  }

  #answer(uid: string): Entry {
    const refused = this.refusals.get(uid);
    if (refused !== undefined) return refused;
    this.running += 1;
    let isRunning = true;
    return {
      ok: true,
      link: linkTo(uid, this.podIndex),
      signal: this.period.signal,
      leave: () => {
        if (isRunning) this.running -= 1;
        isRunning = false;
      },
      run: (fn) => fn(),
    };
  }
}
