/** What can stand in a {@link Chain}, in one at a time. */
export abstract class Chained {
  /** Kept by the chain. */
  before: Chained | undefined = undefined;
  /** Kept by the chain. */
  after: Chained | undefined = undefined;
}

/**
 * What comes and goes all the time, in the order in which it came.
 *
 * Not a Set: of a Set, as of a Map, V8 keeps every table that it has grown out of reachable from the one before. Once one of
 * them is old, everything that was ever in the later ones, with all that hangs on it, grows old too instead of being cleared
 * away young: seen here, that doubled what a link operation costs. So nothing that has left points at what came later.
 */
export class Chain<T extends Chained> {
  #first: Chained | undefined;
  #last: Chained | undefined;
  size = 0;

  /** Adds what stands in no chain. */
  add(member: T): void {
    const last = this.#last;
    member.before = last;
    if (last === undefined) this.#first = member;
    else last.after = member;
    this.#last = member;
    this.size += 1;
  }

  /** Takes out what stands in this chain; what stands in none is left as it is. */
  delete(member: T): void {
    const { before, after } = member;
    if (before === undefined && this.#first !== member) return;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    member.before = undefined;
    member.after = undefined;
    this.size -= 1;
  }

  /** All that stand in it now. */
  toArray(): T[] {
    const members: T[] = [];
    for (let member = this.#first; member !== undefined; member = member.after) members.push(member as T);
    return members;
  }
}
