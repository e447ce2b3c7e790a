/** What waits to be continued: the highest priority first, among these the latest. */
export class Waiting<T> {
  /** By priority. */
  readonly #items: T[][] = [];

  /** @param priority a whole number from 0 on */
  add(item: T, priority: number): void {
    while (this.#items.length <= priority) this.#items.push([]);
    this.#items[priority]?.push(item);
  }

  /** Takes out the next. Undefined: nothing waits. */
  take(): T | undefined {
    while (this.#items.at(-1)?.length === 0) this.#items.pop();
    return this.#items.at(-1)?.pop();
  }
}
