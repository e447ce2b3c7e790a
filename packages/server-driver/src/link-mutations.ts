/** One mutation at a time for a link in this process: what is asked meanwhile waits for its turn. */
export class LinkMutations {
  readonly #tails = new Map<string, Promise<unknown>>();

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
      if (this.#tails.get(uid) === turn) this.#tails.delete(uid);
    };
    turn.then(over, over);
    return turn;
  }
}
