import { randomBytes } from "node:crypto";

const LENGTH = 10;
const LIMIT = 36 ** LENGTH;

/**
 * Ids of operations that bring none: ten characters each, from a random start. One serves all operations of a script call:
 * an id has to be unique to its link only, and a link has one mutation at a time.
 */
export class OpIds {
  #next = randomBytes(6).readUIntBE(0, 6) % LIMIT;

  next(): string {
    this.#next = (this.#next + 1) % LIMIT;
    return this.#next.toString(36).padStart(LENGTH, "0");
  }
}
