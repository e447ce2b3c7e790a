/** The most marks of one watcher: they are made by hand. */
const MAX_MARKS = 1000;

/** Readings by the name that they were given. */
export class Marks<R> {
  readonly #marks = new Map<string, R>();

  /** @throws RangeError when the name is taken, or there are too many. */
  set(name: string, reading: R): void {
    if (this.#marks.has(name)) throw new RangeError(`mark "${name}" was already made`);
    if (this.#marks.size >= MAX_MARKS) throw new RangeError(`at most ${MAX_MARKS} marks`);
    this.#marks.set(name, reading);
  }

  /** @throws RangeError naming the marks that there are. */
  get(name: string): R {
    const reading = this.#marks.get(name);
    if (reading !== undefined) return reading;
    const names = Array.from(this.#marks.keys(), (known) => `"${known}"`);
    throw new RangeError(`no mark "${name}"; there ${names.length === 0 ? "is none" : `are ${names.join(", ")}`}`);
  }
}
