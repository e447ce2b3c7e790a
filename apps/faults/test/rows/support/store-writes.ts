import type { RedisExecutor } from "@podlink/redis-executor";
import type { RouteErrorCode } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { setTimeout } from "node:timers/promises";
import { NAMESPACE, SERVICE } from "./store-pods.ts";

/** One write, how it ended and when, on this process' monotonic clock. */
export interface Write {
  readonly uid: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Absent: it was acknowledged, under this token. */
  readonly failed?: { readonly code: RouteErrorCode; readonly outcome?: string; readonly says: string };
  readonly token?: string;
  /** Under which it was stored before. Absent: it was not, or it is not told, because the write was answered from the record. */
  readonly previous?: string;
}

/** The pause between two writes in ms. */
const PAUSE_MS = 10;

/** Writes link after link, each of a user of its own or all of one, until it is ended. */
export class StoreWrites implements AsyncDisposable {
  readonly all: Write[] = [];
  readonly #store: RedisExecutor;
  readonly #ask: (write: () => Promise<void>) => Promise<void>;
  readonly #done: Promise<void>;
  #ended = false;

  /** @param ask carries out each write: `row.request`. */
  constructor(
    store: RedisExecutor,
    ask: (write: () => Promise<void>) => Promise<void>,
    uids: (turn: number) => string,
  ) {
    this.#store = store;
    this.#ask = ask;
    this.#done = this.#run(uids);
  }

  get acknowledged(): Write[] {
    return this.all.filter(({ failed }) => failed === undefined);
  }

  get failed(): Write[] {
    return this.all.filter(({ failed }) => failed !== undefined);
  }

  /** When the first write that began after this moment was acknowledged. */
  resumedAfter(ms: number): number | undefined {
    return this.acknowledged.find(({ fromMs }) => fromMs >= ms)?.toMs;
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }

  async #run(uids: (turn: number) => string): Promise<void> {
    for (let turn = 0; !this.#ended; turn += 1) {
      await this.#ask(() => this.#write(uids(turn)));
      await setTimeout(PAUSE_MS);
    }
  }

  async #write(uid: string): Promise<void> {
    const fromMs = performance.now();
    try {
      const owner = { podIndex: 7 };
      const op = {
        kind: "set",
        namespace: NAMESPACE,
        service: SERVICE,
        uid,
        owner,
        lifetime: { ttlMs: 600_000 },
      } as const;
      const result = await this.#store.execute(op);
      const written: { token?: string; previous?: string } = {};
      if (!("superseded" in result)) {
        written.token = result.link.token;
        if (result.previous !== undefined) written.previous = result.previous.token;
      }
      this.all.push({ uid, fromMs, toMs: performance.now(), ...written });
    } catch (error) {
      if (!RouteError.is(error)) throw error;
      const { code, outcome, message: says } = error;
      this.all.push({
        uid,
        fromMs,
        toMs: performance.now(),
        failed: { code, says, ...(outcome === undefined ? {} : { outcome }) },
      });
    }
  }
}
