import type { StoreEvent, StoreHealth, Subscription } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { failpoint } from "@podlink/types/failpoint";
import type { Namespaces } from "./namespaces.ts";
import type { Connection, RunOptions, Script } from "./ports.ts";

/** A connection whose first call in a namespace waits until that namespace was checked. */
export class CheckedConnection implements Connection {
  readonly #inner: Connection;
  readonly #namespaces: Pick<Namespaces, "isChecked" | "check">;

  constructor(inner: Connection, namespaces: Pick<Namespaces, "isChecked" | "check">) {
    this.#inner = inner;
    this.#namespaces = namespaces;
  }

  get kind(): Connection["kind"] {
    return this.#inner.kind;
  }

  groupOf(key: string): number {
    return this.#inner.groupOf(key);
  }

  async run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
    options?: RunOptions,
  ): Promise<unknown> {
    const check = this.#check(keys);
    if (check !== undefined) await check;
    await failpoint("before-script", { script: script.name });
    const reply = await this.#inner.run(script, keys, args, options);
    await failpoint("after-script", { script: script.name });
    return reply;
  }

  async command(key: string, name: string, ...args: (string | number)[]): Promise<unknown> {
    const check = this.#check([key]);
    if (check !== undefined) await check;
    return this.#inner.command(key, name, ...args);
  }

  subscribe(channel: string, listener: (message: string) => void, onGap: () => void): Subscription {
    return this.#inner.subscribe(channel, listener, onGap);
  }

  health(): StoreHealth {
    return this.#inner.health();
  }

  epoch(): number {
    return this.#inner.epoch();
  }

  watch(listener: (event: StoreEvent) => void): Subscription {
    return this.#inner.watch(listener);
  }

  whenReady(timeoutMs: number): Promise<void> {
    return this.#inner.whenReady(timeoutMs);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** Absent: all namespaces of the keys were checked. Keys of several namespaces travel together outside a Cluster. */
  #check(keys: readonly string[]): Promise<unknown> | undefined {
    let unchecked: Set<string> | undefined;
    let start: string | undefined;
    for (const key of keys) {
      if (start !== undefined && key.startsWith(start)) continue;
      const [from, to] = namespaceIn(key);
      const namespace = key.slice(from, to);
      if (!this.#namespaces.isChecked(namespace)) (unchecked ??= new Set()).add(namespace);
      start = key.slice(0, to + 1); // with what ends it, or `prod` would be taken for `prod-2`
    }
    if (unchecked === undefined) return undefined;
    return Promise.all([...unchecked].map((namespace) => this.#namespaces.check(namespace))).catch((error: unknown) => {
      throw notSent(RouteError.from(error));
    });
  }
}

/**
 * From where to where the namespace stands. Keys begin `<prefix>:{<namespace>/...}` or `<prefix>:{<namespace>}`; a namespace
 * needs no encoding.
 */
function namespaceIn(key: string): readonly [from: number, to: number] {
  const from = key.indexOf("{") + 1;
  const slash = key.indexOf("/", from);
  const end = key.indexOf("}", from);
  return [from, slash < 0 || slash > end ? end : slash];
}

/** What the check failed with, for a call that was not even sent. */
function notSent(error: RouteError): RouteError {
  const code = error.code === "TIMEOUT" ? "STORE_UNAVAILABLE" : error.code;
  return new RouteError(code, error.message, { outcome: "not-applied" });
}
