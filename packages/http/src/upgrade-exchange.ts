import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Scope } from "@podlink/types";
import { RouteError } from "@podlink/types";
import type { Failure } from "./failures.ts";
import { podEnd, refusedForGood, upstreamFailure } from "./failures.ts";
import { headerOf, requestHeaders, responseHeaders } from "./forwarded-headers.ts";
import { decodeLink, routeHead, WIRE } from "./headers.ts";
import { Hold } from "./hold.ts";
import { endpointOf } from "./pod-address.ts";
import { identityOf } from "./pod-pools.ts";
import type { PodEnd, PodTarget } from "./ports.ts";
import { answerSocket, headText } from "./raw-answer.ts";
import { isSentOn } from "./repeat-budget.ts";
import type { UnderWay } from "./running.ts";
import type { Passage, ServiceContext } from "./service-context.ts";
import { keyOf, watch } from "./service-context.ts";
import { failureKind, openSingle } from "./single-request.ts";
import { WebSocketLine } from "./websocket-line.ts";

const MISDIRECTED = 421;
const UNAVAILABLE = 503;
const UPGRADE = ["connection", "Upgrade", "upgrade", "websocket"];
/** What both sides go by from the handshake on. Another pod has to say the same, or the client can't go on with it. */
const NEGOTIATED = ["sec-websocket-accept", "sec-websocket-protocol", "sec-websocket-extensions"];
/** A socket that loses its pod again so soon is told to come back: its next handshakes are its client's to pace. */
const MOVE_PAUSE_MS = 1000;

/**
 * One WebSocket through the proxy: its handshake, which may be sent twice, and then the bytes of both sides. When it loses
 * its pod before any message, the same handshake is made with whoever has the user then; later, the client is told to.
 */
export class UpgradeExchange implements UnderWay {
  place: number | undefined;
  readonly #context: ServiceContext;
  readonly #req: IncomingMessage;
  readonly #socket: Duplex;
  readonly #head: Buffer;
  readonly #passage: Passage;
  readonly #onEnd: () => void;
  #scope: Scope | undefined;
  /** Undefined: it may not wait. */
  #hold: Hold | undefined;
  #request: ClientRequest | undefined;
  #target: PodTarget | undefined;
  #repeats = 0;
  /** Whether no handshake is under way. */
  #isAnswered = false;
  /** The pod that switched protocols last. Absent: none has yet. */
  #joined: PodTarget | undefined;
  #line: WebSocketLine | undefined;
  #negotiated = "";
  #movedAtMs = Number.NEGATIVE_INFINITY;

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
    this.#hold = Hold.of(context);
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

  cut(): void {
    this.#request?.destroy();
    this.#line?.destroy();
    this.#socket.destroy();
  }

  /** The proxy closes: the client is to come back elsewhere. */
  restart(): void {
    if (this.#line === undefined) this.cut();
    else this.#tellToComeBack(this.#line);
  }

  podEnded({ podIndex, incarnation }: PodEnd): void {
    const target = this.#target;
    if (target?.podIndex !== podIndex || target.incarnation > incarnation) return;
    if (this.#request !== undefined) this.#request.destroy(new PodEndError());
    else if (this.#isAnswered) this.#line?.lose();
  }

  #try(): void {
    this.#repeats = 0;
    this.#context.route.target(this.#passage.uid).then(this.#send, this.#unresolved);
  }

  readonly #send = (target: PodTarget): void => {
    if (this.#isAnswered || this.#socket.destroyed) return;
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
    const head = { req: this.#req, target, uid, routeHead: routeHead(identityOf(target), hops) };
    const headers = [...requestHeaders(head), ...UPGRADE];
    const { request, isConnected } = openSingle({ endpoint, method: "GET", path, headers, options, clock });
    this.#request = request;
    this.#target = target;
    request.on("upgrade", (response, podSocket: Socket, podHead: Buffer) =>
      this.#upgraded(target, response, podSocket, podHead),
    );
    request.on("response", (response) => this.#answered(target, response));
    request.on("error", (cause) => {
      if (this.#request !== request || this.#isAnswered) return;
      this.#request = undefined;
      const failure =
        cause instanceof PodEndError ? podEnd(isConnected()) : { kind: failureKind(cause, isConnected()), cause };
      this.#failUnlessHeld(upstreamFailure(failure, counters));
    });
    request.end();
  }

  #upgraded(target: PodTarget, response: IncomingMessage, podSocket: Socket, podHead: Buffer): void {
    if (this.#socket.destroyed) {
      podSocket.destroy();
      return;
    }
    this.#request = undefined;
    const negotiated = NEGOTIATED.map((name) => headerOf(response.rawHeaders, name) ?? "").join("\n");
    if (this.#line !== undefined && negotiated !== this.#negotiated) {
      podSocket.destroy();
      this.#tellToComeBack(this.#line);
      return;
    }
    this.#settle(undefined);
    if (this.#line === undefined) {
      this.#negotiated = negotiated;
      this.#line = this.#begin(target, response);
    } else this.#countMove("pod");
    this.#joined = target;
    this.#line.join(podSocket, podHead);
  }

  #begin(target: PodTarget, response: IncomingMessage): WebSocketLine {
    const { counters, options, clock } = this.#context;
    counters.upgrades += 1;
    const headers = [...responseHeaders(response.rawHeaders, target.podIndex), ...UPGRADE];
    this.#socket.write(headText(101, headers), "latin1");
    const podLost = (): void => this.#podLost();
    const idleMs = options.upgradeIdleMs;
    return new WebSocketLine({ client: this.#socket, head: this.#head, idleMs, clock, podLost });
  }

  #podLost(): void {
    const line = this.#line as WebSocketLine;
    const nowMs = this.#context.clock.nowMs();
    if (!line.canMove || nowMs - this.#movedAtMs < MOVE_PAUSE_MS) {
      this.#tellToComeBack(line);
      return;
    }
    this.#movedAtMs = nowMs;
    this.#isAnswered = false;
    this.#hold = Hold.of(this.#context);
    this.#try();
  }

  #tellToComeBack(line: WebSocketLine): void {
    this.#request?.destroy();
    this.#settle(undefined);
    if (line.restart()) this.#countMove("closed");
  }

  #countMove(to: "pod" | "closed"): void {
    const { counters, observer, route } = this.#context;
    if (to === "pod") counters.socketsMoved += 1;
    else counters.socketsRestarted += 1;
    const { namespace, service } = route;
    const { podIndex } = this.#joined as PodTarget; // before the move: it is counted first
    observer?.event({ kind: "socket-moved", namespace, service, podIndex, to });
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
    if (this.#line !== undefined) {
      response.destroy();
      this.#tellToComeBack(this.#line);
      return;
    }
    this.#settle(undefined);
    const headers = [...responseHeaders(response.rawHeaders, target.podIndex), "connection", "close"];
    this.#socket.write(headText(response.statusCode ?? 502, headers), "latin1");
    response.on("error", () => this.#socket.destroy());
    response.pipe(this.#socket);
  }

  #repeat(target: PodTarget, headers: readonly string[]): void {
    const { route } = this.#context;
    const said = headerOf(headers, WIRE.link);
    const link = said === undefined ? undefined : decodeLink(said, keyOf(route, this.#passage.uid));
    route.misdirected(target, link).then((found) => this.#sendAgain(target, found), this.#unresolved);
  }

  #sendAgain(refusedBy: PodTarget, found: PodTarget): void {
    if (this.#isAnswered) return;
    if (isSentOn(this.#context, { refusedBy, found, repeats: this.#repeats })) {
      this.#repeats += 1;
      this.#send(found);
    } else {
      this.#failUnlessHeld(refusedForGood(this.#context.counters));
    }
  }

  readonly #unresolved = (error: unknown): void => {
    if (this.#isAnswered) return;
    this.#context.counters.unresolved += 1;
    const known = RouteError.from(error);
    if (!known.retryable || !this.#wait()) this.#fail({ error: known });
  };

  /** Nothing was begun: it may wait for a pod that takes it. False: it is to be answered now. */
  #wait(): boolean {
    if (this.#isAnswered || this.#socket.destroyed) return false;
    // Nobody reads the socket yet, so that its end would not be seen. What comes early stays in its buffer.
    if (this.#line === undefined && this.#socket.listenerCount("readable", this.#look) === 0)
      this.#socket.on("readable", this.#look).on("end", this.#left);
    return this.#hold?.wait(() => this.#try()) === true;
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
    if (this.#line !== undefined) {
      this.#tellToComeBack(this.#line);
      return;
    }
    const { error, status } = failure;
    this.#settle(error);
    answerSocket(this.#socket, error, status === undefined ? {} : { status });
  }

  #settle(error: RouteError | undefined): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#hold?.end();
    this.#socket.off("readable", this.#look).off("end", this.#left);
    this.#scope?.end(error);
    this.#scope = undefined; // what follows a move is no request of the client's
  }
}

/** The request was given up because its pod's life is over. */
class PodEndError extends Error {}
