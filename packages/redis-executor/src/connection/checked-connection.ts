import type { StoreEvent, StoreHealth, Subscription } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { failpoint } from "@podlink/types/failpoint";
import type { Namespaces } from "./namespaces.ts";
import type { Connection, RunOptions, Script } from "./ports.ts";

/** What all keys of a namespace begin with, up to what ends its name, or `prod` would be taken for `prod-2`. */
interface KeyStart {
  readonly start: string;
  readonly namespace: string;
}

/** A connection whose first call in a namespace waits until that namespace was checked. */
export class CheckedConnection implements Connection {
  readonly #inner: Connection;
  readonly #namespaces: Pick<Namespaces, "isChecked" | "check">;
  /** The namespace that was asked for last, and what its keys begin with: mostly there is but one. */
  #last: KeyStart = { start: "\0", namespace: "" };

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
    const namespace = options?.namespace;
    const check = namespace === undefined ? this.#checkOf(keys) : this.#check(namespace);
    if (check !== undefined) await check;
    await failpoint("before-script", { script: script.name });
    const reply = await this.#inner.run(script, keys, args, options);
    await failpoint("after-script", { script: script.name });
    return reply;
  }

  async command(key: string, name: string, ...args: (string | number)[]): Promise<unknown> {
    const check = this.#checkOf([key]);
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

  /** Absent: it was checked. */
  #check(namespace: string): Promise<unknown> | undefined {
    if (this.#namespaces.isChecked(namespace)) return undefined;
    return this.#namespaces.check(namespace).catch((error: unknown) => {
      throw notSent(RouteError.from(error));
    });
  }

  /** Absent: all namespaces of the keys were checked. Keys of several namespaces travel together outside a Cluster. */
  #checkOf(keys: readonly string[]): Promise<unknown> | undefined {
    let unchecked: Set<string> | undefined;
    let last: KeyStart | undefined;
    for (const key of keys) {
      if (last !== undefined && key.startsWith(last.start)) continue;
      last = this.#last = key.startsWith(this.#last.start) ? this.#last : startOf(key);
      if (!this.#namespaces.isChecked(last.namespace)) (unchecked ??= new Set()).add(last.namespace);
    }
    if (unchecked === undefined) return undefined;
    return Promise.all([...unchecked].map((namespace) => this.#namespaces.check(namespace))).catch((error: unknown) => {
      throw notSent(RouteError.from(error));
    });
  }
}

/**
 * Keys begin `<prefix>:{<namespace>/...}` or `<prefix>:{<namespace>}`; a namespace needs no encoding.
 */
function startOf(key: string): KeyStart {
  const from = key.indexOf("{") + 1;
  const slash = key.indexOf("/", from);
  const end = key.indexOf("}", from);
  const to = slash < 0 || slash > end ? end : slash;
  return { start: key.slice(0, to + 1), namespace: key.slice(from, to) };
}

/** What the check failed with, for a call that was not even sent. */
function notSent(error: RouteError): RouteError {
  const code = error.code === "TIMEOUT" ? "STORE_UNAVAILABLE" : error.code;
  return new RouteError(code, error.message, { outcome: "not-applied" });
}
