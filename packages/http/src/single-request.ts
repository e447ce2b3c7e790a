import type { ClientRequest, IncomingMessage } from "node:http";
import { request as httpRequest } from "node:http";
import type { Socket } from "node:net";
import { connect } from "node:net";
import type { Readable } from "node:stream";
import type { Clock } from "@podlink/types";
import type { ResolvedProxyLimits } from "./options.ts";
import type { Endpoint } from "./pod-address.ts";
import { lookupPod } from "./pod-address.ts";
import type { Upstream, UpstreamEvents, UpstreamFailure } from "./upstream.ts";

export interface SingleRequest {
  readonly endpoint: Endpoint;
  readonly method: string;
  readonly path: string;
  /** Names and values in turn, framing included, without Host. */
  readonly headers: readonly string[];
  readonly options: Pick<
    ResolvedProxyLimits,
    "connectTimeoutMs" | "responseTimeoutMs" | "responseIdleMs" | "maxHeaderBytes"
  >;
  readonly clock: Clock;
}

/** A timer ran out; told apart from whatever else may break a connection. */
class SilenceError extends Error {}

/**
 * A request over a connection of its own, kept half open when one side ends first. undici can neither wait for
 * `100 Continue` nor hand out the bare connection of an upgrade; `node:http` can.
 */
export function openSingle(single: SingleRequest): { request: ClientRequest; isConnected: () => boolean } {
  const { endpoint, method, path, headers, options, clock } = single;
  const { host, port, authority } = endpoint;
  const socket: Socket = connect({ host, port, lookup: lookupPod, allowHalfOpen: true, noDelay: true });
  const timer = clock.setTimer(options.connectTimeoutMs, () =>
    socket.destroy(new SilenceError("no connection in time")),
  );
  let isConnected = false;
  socket.once("connect", () => {
    isConnected = true;
    timer.cancel();
  });
  socket.once("close", () => timer.cancel());
  const request = httpRequest({
    createConnection: () => socket,
    method,
    path,
    headers: ["host", authority, ...headers],
    maxHeaderSize: options.maxHeaderBytes,
    insecureHTTPParser: false,
  });
  request.setTimeout(options.responseTimeoutMs, () => request.destroy(new SilenceError("no response in time")));
  return { request, isConnected: () => isConnected };
}

/** Sends a request whose body may wait for the pod's `100 Continue`: that, or the response's head, calls `accepted`. */
export function sendSingle(
  single: SingleRequest,
  body: Readable,
  accepted: () => void,
  events: UpstreamEvents,
): Upstream {
  const { request, isConnected } = openSingle(single);
  const exchange = new SingleExchange(request, isConnected, events, single.options.responseIdleMs);
  // A server that says 100 before it looks says 421 right behind it: both arrive together, and the 421 is to count.
  request.on("continue", () => setImmediate(accepted));
  request.flushHeaders();
  body.pipe(request);
  return exchange;
}

class SingleExchange implements Upstream {
  readonly #request: ClientRequest;
  readonly #isConnected: () => boolean;
  readonly #events: UpstreamEvents;
  readonly #idleMs: number;
  #response: IncomingMessage | undefined;
  #isOver = false;

  constructor(request: ClientRequest, isConnected: () => boolean, events: UpstreamEvents, idleMs: number) {
    this.#request = request;
    this.#isConnected = isConnected;
    this.#events = events;
    this.#idleMs = idleMs;
    request.on("response", (response) => this.#respond(response));
    request.on("error", (error) => this.#fail(error));
  }

  get isSent(): boolean {
    return this.#isConnected();
  }

  abort(): void {
    this.#isOver = true;
    this.#request.destroy();
  }

  resume(): void {
    this.#response?.resume();
  }

  /** The connection serves this request alone: nothing is gained by reading on. */
  ignore(): void {
    this.abort();
  }

  #respond(response: IncomingMessage): void {
    this.#response = response;
    this.#request.setTimeout(this.#idleMs);
    this.#events.head(response.statusCode ?? 0, response.rawHeaders);
    if (this.#isOver) return;
    response.on("data", (chunk: Buffer) => {
      if (!this.#isOver && !this.#events.data(chunk)) response.pause();
    });
    response.on("end", () => {
      if (this.#isOver) return;
      this.#isOver = true;
      this.#events.end();
      this.#request.destroy(); // whatever of the body was not sent isn't wanted any more
    });
    response.on("error", (error) => this.#fail(error));
  }

  #fail(cause: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.failed({ kind: failureKind(cause, this.#isConnected()), cause });
  }
}

/** What a failed request over a connection of its own means. */
export function failureKind(cause: Error, isConnected: boolean): UpstreamFailure["kind"] {
  if (!isConnected) return "unreached";
  return cause instanceof SilenceError ? "timeout" : "broken";
}
