import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Scope } from "@podlink/types";
import { RouteError } from "@podlink/types";
import type { Failure } from "./failures.ts";
import { refusedForGood, upstreamFailure } from "./failures.ts";
import { headerOf, requestHeaders, responseHeaders } from "./forwarded-headers.ts";
import { decodeLink, WIRE } from "./headers.ts";
import { Hold } from "./hold.ts";
import { endpointOf } from "./pod-address.ts";
import { targetText } from "./pod-pools.ts";
import type { PodTarget } from "./ports.ts";
import { answerSocket, headText } from "./raw-answer.ts";
import { relay } from "./relay.ts";
import type { Cuttable } from "./running.ts";
import type { Passage, ServiceContext } from "./service-context.ts";
import { keyOf, watch } from "./service-context.ts";
import { failureKind, openSingle } from "./single-request.ts";

const MISDIRECTED = 421;
const UNAVAILABLE = 503;
const UPGRADE = ["connection", "Upgrade", "upgrade", "websocket"];

/** One WebSocket through the proxy: its handshake, which may be sent twice, and then the bytes of both sides. */
export class UpgradeExchange implements Cuttable {
  readonly #context: ServiceContext;
  readonly #req: IncomingMessage;
  readonly #socket: Duplex;
  readonly #head: Buffer;
  readonly #passage: Passage;
  readonly #onEnd: () => void;
  readonly #scope: Scope | undefined;
  readonly #hold: Hold;
  #request: ClientRequest | undefined;
  #podSocket: Socket | undefined;
  #hasRepeated = false;
  #isAnswered = false;

  constructor(
    context: ServiceContext,
    req: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    passage: Passage,
    onEnd: () => void,
  ) {
    this.#context = context;
    this.#req = req;
    this.#socket = socket;
    this.#head = head;
    this.#passage = passage;
    this.#onEnd = onEnd;
    this.#scope = watch(context);
    this.#hold = new Hold(context);
  }

  start(): void {
    this.#socket.on("error", () => this.#socket.destroy());
    this.#socket.once("close", () => {
      if (!this.#isAnswered) this.#settle(new RouteError("CANCELLED", "the caller went away"));
      this.#request?.destroy();
      this.#onEnd();
    });
    this.#try();
  }

  /** Closes both sides: the proxy closes. */
  cut(): void {
    this.#request?.destroy();
    this.#podSocket?.destroy();
    this.#socket.destroy();
  }

  #try(): void {
    this.#hasRepeated = false;
    this.#context.route.target(this.#passage.uid).then(this.#send, this.#unresolved);
  }

  readonly #send = (target: PodTarget): void => {
    if (this.#socket.destroyed) return;
    try {
      this.#open(target);
    } catch (error) {
      this.#unresolved(error);
    }
  };

  #open(target: PodTarget): void {
    const { options, clock, counters } = this.#context;
    const endpoint = endpointOf(target.address, options.allowAddress);
    const { uid, path, hops } = this.#passage;
    const head = { req: this.#req, target, uid, hops, authority: endpoint.authority, targetText: targetText(target) };
    const headers = [...requestHeaders(head), ...UPGRADE];
    const { request, isConnected } = openSingle({ endpoint, method: "GET", path, headers, options, clock });
    this.#request = request;
    request.on("upgrade", (response, podSocket: Socket, podHead: Buffer) =>
      this.#upgraded(target, response, podSocket, podHead),
    );
    request.on("response", (response) => this.#answered(target, response));
    request.on("error", (cause) => {
      if (this.#request !== request || this.#isAnswered) return;
      this.#request = undefined;
      this.#failUnlessHeld(upstreamFailure({ kind: failureKind(cause, isConnected()), cause }, counters));
    });
    request.end();
  }

  #upgraded(target: PodTarget, response: IncomingMessage, podSocket: Socket, podHead: Buffer): void {
    if (this.#socket.destroyed) {
      podSocket.destroy();
      return;
    }
    this.#context.counters.upgrades += 1;
    this.#podSocket = podSocket;
    this.#settle(undefined);
    const headers = [...responseHeaders(response.rawHeaders, target.podIndex), ...UPGRADE];
    this.#socket.write(headText(101, headers), "latin1");
    const caller = { socket: this.#socket, head: this.#head };
    relay(caller, { socket: podSocket, head: podHead }, this.#context.options.upgradeIdleMs);
  }

  /** The pod answered, but did not switch protocols. */
  #answered(target: PodTarget, response: IncomingMessage): void {
    if (response.statusCode === MISDIRECTED) {
      this.#request = undefined;
      response.destroy();
      this.#repeat(target, response.rawHeaders);
      return;
    }
    // From the guard: nothing was begun. The application's own 503 is an answer like any other.
    const isRefused = response.statusCode === UNAVAILABLE && headerOf(response.rawHeaders, WIRE.refused) !== undefined;
    if (isRefused && this.#wait()) {
      this.#request = undefined;
      response.destroy();
      return;
    }
    this.#settle(undefined);
    const headers = [...responseHeaders(response.rawHeaders, target.podIndex), "connection", "close"];
    this.#socket.write(headText(response.statusCode ?? 502, headers), "latin1");
    response.on("error", () => this.#socket.destroy());
    response.pipe(this.#socket);
  }

  #repeat(target: PodTarget, headers: readonly string[]): void {
    const { route, counters } = this.#context;
    if (this.#hasRepeated) {
      this.#failUnlessHeld(refusedForGood(counters));
      return;
    }
    this.#hasRepeated = true;
    counters.repeats += 1;
    const said = headerOf(headers, WIRE.link);
    const link = said === undefined ? undefined : decodeLink(said, keyOf(route, this.#passage.uid));
    route.misdirected(target, link).then(this.#send, this.#unresolved);
  }

  readonly #unresolved = (error: unknown): void => {
    this.#context.counters.unresolved += 1;
    const known = RouteError.from(error);
    if (!known.retryable || !this.#wait()) this.#fail({ error: known });
  };

  /** Nothing was begun: it may wait for a pod that takes it. False: it is to be answered now. */
  #wait(): boolean {
    if (this.#isAnswered || this.#socket.destroyed) return false;
    // Nobody reads the socket yet, so that its end would not be seen. What comes early stays in its buffer.
    if (this.#socket.listenerCount("readable", this.#look) === 0)
      this.#socket.on("readable", this.#look).on("end", this.#left);
    return this.#hold.wait(() => this.#try());
  }

  readonly #look = (): void => {
    if (this.#socket.readableLength === 0) this.#socket.read();
  };

  readonly #left = (): void => {
    this.#socket.destroy();
  };

  #failUnlessHeld(failure: Failure): void {
    if (failure.error.outcome !== "not-applied" || !this.#wait()) this.#fail(failure);
  }

  #fail(failure: Failure): void {
    if (this.#isAnswered) return;
    const { error, status } = failure;
    this.#settle(error);
    answerSocket(this.#socket, error, status === undefined ? {} : { status });
  }

  #settle(error: RouteError | undefined): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#hold.end();
    this.#socket.off("readable", this.#look).off("end", this.#left);
    this.#scope?.end(error);
  }
}
