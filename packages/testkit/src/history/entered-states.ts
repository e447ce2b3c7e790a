import type { ModelRecord } from "./link-model.ts";
import type { MentionedTokens } from "./mentioned-tokens.ts";

export interface KnownState<R> {
  /** Which answered operations are done, as a text. */
  readonly done: string;
  readonly record: R | undefined;
  /** The doubtful runs that happened and the open tokens that they made: a bit each. */
  readonly used: bigint;
}

/**
 * The states that a search has entered. A state is as good as known when another one was entered with the same operations
 * done and the same record, and could do all that it can: it had used up no more doubtful runs and open tokens. Records
 * whose tokens nobody mentions are the same but for what may come above them: the lower one can do all that the higher can.
 */
export class EnteredStates<R extends ModelRecord> {
  readonly #tokens: MentionedTokens;
  readonly #known = new Map<string, { readonly used: bigint; readonly token: number }[]>();
  readonly #names = new WeakMap<object, string>();

  constructor(tokens: MentionedTokens) {
    this.#tokens = tokens;
  }

  /** Notes a state. False: it is as good as known. */
  add({ done, record, used }: KnownState<R>): boolean {
    const token = record === undefined || this.#tokens.has(record.token) ? 0 : record.token;
    const name = `${done} ${record === undefined ? "" : this.#nameOf(record, token !== 0)}`;
    const entered = this.#known.get(name);
    if (entered === undefined) {
      this.#known.set(name, [{ used, token }]);
      return true;
    }
    if (entered.some((other) => (used & other.used) === other.used && token >= other.token)) return false;
    entered.push({ used, token });
    return true;
  }

  #nameOf(record: R, isUnmentioned: boolean): string {
    let name = this.#names.get(record);
    if (name === undefined) {
      name = JSON.stringify(isUnmentioned ? { ...record, token: undefined } : record);
      this.#names.set(record, name);
    }
    return name;
  }
}
