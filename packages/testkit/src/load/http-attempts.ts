import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import { Pool } from "undici";
import type { AttemptEnd, LoadRequest } from "./http-answer.ts";

/** Sends requests to some base URLs, as many at a time as it is asked to, over connections that are kept. */
export class HttpAttempts {
  readonly #targets: readonly { readonly pool: Pool; readonly prefix: string }[];
  readonly #timeoutMs: number;
  readonly #running = new Set<Attempt>();

  constructor(urls: readonly string[], timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#targets = urls.map((text) => {
      const url = new URL(text);
      // No bound on connections: a request must never wait for another's answer. The load bounds what is under way.
      const pool = new Pool(url.origin, {
        connections: null,
        pipelining: 1,
        headersTimeout: 0, // an attempt has one limit for all of it, our own
        bodyTimeout: 0,
        connect: { timeout: timeoutMs },
      });
      return { pool, prefix: url.pathname.replace(/\/$/, "") };
    });
  }

  /** One attempt, at the `turn`th URL. Never rejects; settles within `timeoutMs`. */
  send(request: LoadRequest, turn: number): Promise<AttemptEnd> {
    const { pool, prefix } = this.#targets[turn % this.#targets.length]!;
    return new Promise((resolve) => {
      const attempt = new Attempt((end) => {
        this.#running.delete(attempt);
        resolve(end);
      }, this.#timeoutMs);
      this.#running.add(attempt);
      attempt.start(pool, {
        path: `${prefix}${request.path}`,
        method: request.method,
        headers: { ...request.headers, ...(request.key !== undefined && { "idempotency-key": request.key }) },
        body: request.body ?? null,
      });
    });
  }

  /** Ends every attempt under way, now. */
  abort(): void {
    for (const attempt of Array.from(this.#running)) attempt.giveUp("aborted");
  }

  /** Ends every attempt and connection. */
  async close(): Promise<void> {
    this.abort();
    await Promise.all(this.#targets.map(({ pool }) => pool.destroy()));
  }
}

/** One request on its way. undici calls `onRequestStart` right before the first byte is written: before that, nothing left. */
class Attempt implements Dispatcher.DispatchHandler {
  readonly #settle: (end: AttemptEnd) => void;
  readonly #timer: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | undefined;
  #ended = false;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  readonly #chunks: Buffer[] = [];

  constructor(settle: (end: AttemptEnd) => void, timeoutMs: number) {
    this.#settle = settle;
    this.#timer = setTimeout(() => this.giveUp("timeout"), timeoutMs);
  }

  start(pool: Pool, options: Dispatcher.DispatchOptions): void {
    try {
      pool.dispatch(options, this);
    } catch (error) {
      this.#noAnswer(codeOf(error));
    }
  }

  giveUp(reason: "timeout" | "aborted"): void {
    this.#noAnswer(reason);
    this.#controller?.abort(new Error(reason));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#ended) {
      controller.abort(new Error("given up before it was sent"));
      return;
    }
    this.#controller = controller;
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const text = Buffer.concat(this.#chunks).toString("utf8");
    this.#end({ kind: "answer", status: this.#status, headers: this.#headers, text });
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#noAnswer(codeOf(error));
  }

  #noAnswer(reason: string): void {
    this.#end({ kind: "no-answer", sent: this.#controller !== undefined, reason });
  }

  #end(end: AttemptEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#settle(end);
  }
}

function codeOf(error: unknown): string {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  return typeof code === "string" ? code : String(name);
}
