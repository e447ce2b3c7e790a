import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Scope } from "@podlink/types";
import { RouteError } from "@podlink/types";
import type { Failure } from "./failures.ts";
import { refusedForGood, upstreamFailure } from "./failures.ts";
import { headerOf, requestHeaders, responseHeaders } from "./forwarded-headers.ts";
import { decodeLink, WIRE } from "./headers.ts";
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
  }

  start(): void {
    this.#socket.on("error", () => this.#socket.destroy());
    this.#socket.once("close", () => {
      if (!this.#isAnswered) this.#settle(new RouteError("CANCELLED", "the caller went away"));
      this.#request?.destroy();
      this.#onEnd();
    });
    this.#context.route.target(this.#passage.uid).then(this.#send, this.#unresolved);
  }

  /** Closes both sides: the proxy closes. */
  cut(): void {
    this.#request?.destroy();
    this.#podSocket?.destroy();
    this.#socket.destroy();
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
      this.#fail(upstreamFailure({ kind: failureKind(cause, isConnected()), cause }, counters));
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
    this.#settle(undefined);
    const headers = [...responseHeaders(response.rawHeaders, target.podIndex), "connection", "close"];
    this.#socket.write(headText(response.statusCode ?? 502, headers), "latin1");
    response.on("error", () => this.#socket.destroy());
    response.pipe(this.#socket);
  }

  #repeat(target: PodTarget, headers: readonly string[]): void {
    const { route, counters } = this.#context;
    if (this.#hasRepeated) {
      this.#fail(refusedForGood(counters));
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
    this.#fail({ error: RouteError.from(error) });
  };

  #fail(failure: Failure): void {
    if (this.#isAnswered) return;
    const { error, status } = failure;
    this.#settle(error);
    answerSocket(this.#socket, error, status === undefined ? {} : { status });
  }

  #settle(error: RouteError | undefined): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#scope?.end(error);
  }
}
