import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { Dispatcher, Pool } from "undici";
import { errors } from "undici";
import type { Upstream, UpstreamEvents, UpstreamFailure } from "./upstream.ts";

export interface PooledRequest {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn, without Host. */
  readonly headers: string[];
  /** Undefined: none. */
  readonly body: Readable | undefined;
}

/** Sends a request over a pod's kept connections. */
export function sendPooled(pool: Pool, request: PooledRequest, events: UpstreamEvents): Upstream {
  const exchange = new PooledExchange(events);
  const { method, path, headers, body } = request;
  // undici never sends a request twice by itself here: with one request at a time on a connection it has no reason to. Nor is
  // there another one that this one could block: it needn't look for one when the response begins.
  pool.dispatch({ method, path, headers, body: body ?? null, blocking: false }, exchange);
  return exchange;
}

class PooledExchange implements Upstream, Dispatcher.DispatchHandler {
  readonly #events: UpstreamEvents;
  #controller: Dispatcher.DispatchController | undefined;
  #hasStarted = false;
  #isOver = false;
  #isAborted = false;

  constructor(events: UpstreamEvents) {
    this.#events = events;
  }

  get isSent(): boolean {
    return this.#hasStarted;
  }

  abort(): void {
    this.#isOver = true;
    this.#isAborted = true;
    this.#controller?.abort(new errors.RequestAbortedError());
  }

  resume(): void {
    this.#controller?.resume();
  }

  ignore(): void {
    this.#isOver = true;
    this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#isAborted) {
      controller.abort(new errors.RequestAbortedError());
      return;
    }
    this.#controller = controller;
    this.#hasStarted = true;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // 102 and 103 come here too, before the response. 101 doesn't: nothing here asks for it.
    if (status >= 200 && !this.#isOver) this.#events.head(status, inTurn(headers));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isOver && !this.#events.data(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.failed({ kind: this.#kindOf(cause), cause });
  }

  #kindOf(cause: Error): UpstreamFailure["kind"] {
    if (!this.#hasStarted) return "unreached";
    const isTimeout = cause instanceof errors.HeadersTimeoutError || cause instanceof errors.BodyTimeoutError;
    return isTimeout ? "timeout" : "broken";
  }
}

/** Names and values in turn; a header that came several times keeps its values apart. */
function inTurn(headers: IncomingHttpHeaders): string[] {
  const pairs: string[] = [];
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (typeof value === "string") pairs.push(name, value);
    else for (const one of value ?? []) pairs.push(name, one);
  }
  return pairs;
}
