import { randomBytes } from "node:crypto";

const LENGTH = 10;
/** All but the last digit. */
const LIMIT = 36 ** (LENGTH - 1);
const DIGITS = Array.from({ length: 36 }, (_, digit) => digit.toString(36));

/**
 * Ids of operations that bring none: ten characters each, from a random start. One serves all operations of a script call:
 * an id has to be unique to its link only, and a link has one mutation at a time.
 */
export class OpIds {
  #head = randomBytes(6).readUIntBE(0, 6) % LIMIT;
  #text = textOf(this.#head);
  #digit = 0;

  /** Number to text is slow, so that is done for one in 36. */
  next(): string {
    const id = this.#text + (DIGITS[this.#digit] as string);
    this.#digit += 1;
    if (this.#digit < DIGITS.length) return id;
    this.#digit = 0;
    this.#head = (this.#head + 1) % LIMIT;
    this.#text = textOf(this.#head);
    return id;
  }
}

function textOf(head: number): string {
  return head.toString(36).padStart(LENGTH - 1, "0");
}
