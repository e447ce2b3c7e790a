import type { PodChange } from "./pod-view.ts";

/** Hands changes on one by one in the order in which they happened, also those that a listener sets off. */
export class ChangeQueue {
  readonly #tell: (change: PodChange) => void;
  readonly #waiting: PodChange[] = [];
  #telling = false;

  constructor(tell: (change: PodChange) => void) {
    this.#tell = tell;
  }

  add(change: PodChange): void {
    this.#waiting.push(change);
  }

  /** To be called when what the changes are about is consistent again. */
  flush(): void {
    if (this.#telling) return;
    this.#telling = true;
    try {
      for (let change = this.#waiting.shift(); change !== undefined; change = this.#waiting.shift()) this.#tell(change);
    } finally {
      this.#telling = false;
    }
  }
}
