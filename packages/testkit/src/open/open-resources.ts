import { AsyncLocalStorage, createHook } from "node:async_hooks";

/** A timer, socket, server or other handle that is still there. */
export interface OpenResource {
  /** Node's name of it: `Timeout`, `Immediate`, `TCPSERVERWRAP`, `TCPWRAP`, `MESSAGEPORT`... */
  readonly kind: string;
  /** Where it was made, as a stack trace. */
  readonly madeAt: string;
}

/** What keeps something running or open; promises and single requests don't. */
export const WATCHED: ReadonlySet<string> = new Set([
  "Timeout",
  "Immediate",
  "TCPSERVERWRAP",
  "TCPWRAP",
  "PIPESERVERWRAP",
  "PIPEWRAP",
  "TLSWRAP",
  "TTYWRAP",
  "UDPWRAP",
  "PROCESSWRAP",
  "SIGNALWRAP",
  "MESSAGEPORT",
  "WORKER",
  "FSEVENTWRAP",
  "STATWATCHER",
]);

/**
 * Notes what a body opens and what of it is closed again, unref'd things too (a process may end in spite of them, and
 * they leak all the same). What happens elsewhere in the process meanwhile doesn't count: each body has its own context.
 */
export class OpenResources {
  readonly #open = new Map<number, OpenResource>();
  readonly #body = new AsyncLocalStorage<true>();
  readonly #hook = createHook({
    init: (asyncId, kind) => {
      if (!WATCHED.has(kind) || this.#body.getStore() === undefined) return;
      this.#open.set(asyncId, { kind, madeAt: stack() });
    },
    destroy: (asyncId) => void this.#open.delete(asyncId),
  });

  get list(): OpenResource[] {
    return Array.from(this.#open.values());
  }

  async watch<T>(body: () => Promise<T> | T): Promise<T> {
    this.#hook.enable();
    return this.#body.run(true, async () => body());
  }

  stopWatching(): void {
    this.#hook.disable();
    this.#open.clear();
  }
}

/** The caller's part of the stack, without this file's and Node's own frames. */
function stack(): string {
  const lines = (new Error("made here").stack ?? "").split("\n").slice(1);
  return lines.filter((line) => !/node:|open-resources/.test(line)).join("\n");
}
