const LENGTH = 10;
const LIMIT = 36 ** LENGTH;

/** Ids for operations that bring none: ten characters each, from a random start, so that no caller's own id is met. */
export class OpIds {
  #next = Math.floor(Math.random() * LIMIT);

  next(): string {
    this.#next = (this.#next + 1) % LIMIT;
    return this.#next.toString(36).padStart(LENGTH, "0");
  }
}
