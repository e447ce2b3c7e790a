import type { Link } from "@podlink/types";

/** One mutation at a time for a link in this process: what is asked meanwhile waits for its turn. */
export class LinkMutations {
  readonly #tails = new Map<string, Promise<unknown>>();
  /** The highest token under which a link is known to have been taken from us while mutations of it are under way. */
  readonly #lostTokens = new Map<string, number>();

  /** Whether a mutation of the uid's link is under way or waiting. */
  isBusy(uid: string): boolean {
    return this.#tails.has(uid);
  }

  /** Runs `work` after all that was asked before for this uid. */
  run<T>(uid: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(uid);
    const turn = before === undefined ? work() : before.then(work, work);
    this.#tails.set(uid, turn);
    const over = (): void => {
      if (this.#tails.get(uid) !== turn) return;
      this.#tails.delete(uid);
      this.#lostTokens.delete(uid);
    };
    turn.then(over, over);
    return turn;
  }

  /** The store told that the link was taken from this pod, perhaps before the answer that said it was ours. */
  lost({ uid, token }: Link): void {
    if (!this.isBusy(uid)) return;
    this.#lostTokens.set(uid, Math.max(this.#lostTokens.get(uid) ?? 0, Number(token)));
  }

  /** Whether a link that an answer calls ours has been taken from this pod since. */
  wasLost({ uid, token }: Link): boolean {
    return (this.#lostTokens.get(uid) ?? 0) > Number(token);
  }
}
