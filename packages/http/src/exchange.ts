import type { IncomingMessage, ServerResponse } from "node:http";
import type { Scope } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { endResponse } from "./end-response.ts";
import type { Failure } from "./failures.ts";
import { podBusy, podEnd, refusedForGood, upstreamFailure } from "./failures.ts";
import { headerOf, requestHeaders, responseHeaders } from "./forwarded-headers.ts";
import { decodeLink, WIRE } from "./headers.ts";
import { Hold } from "./hold.ts";
import type { PodPool } from "./pod-pools.ts";
import { closedError, routeHeadOf } from "./pod-pools.ts";
import { sendPooled } from "./pooled-request.ts";
import type { PodEnd, PodTarget } from "./ports.ts";
import { bodyLength, bodyTooLarge, KEPT_BYTES, RequestBody } from "./request-body.ts";
import { sendError } from "./send-error.ts";
import type { Passage, ServiceContext } from "./service-context.ts";
import { keyOf, watch } from "./service-context.ts";
import { sendSingle } from "./single-request.ts";
import { isSentOn } from "./repeat-budget.ts";
import type { UnderWay } from "./running.ts";
import type { Upstream, UpstreamEvents, UpstreamFailure } from "./upstream.ts";

/** Misdirected Request (RFC 9110 section 15.5.20): the pod executed nothing. */
const MISDIRECTED = 421;
const UNAVAILABLE = 503;
/** Up to here a copy as text is cheaper than a piece of its own. */
const SMALL_BYTES = 4096;

/** One request through the proxy, from the caller's head to the last byte of the pod's response. */
export class Exchange implements UpstreamEvents, UnderWay {
  place: number | undefined;
  readonly #context: ServiceContext;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #passage: Passage;
  readonly #scope: Scope | undefined;
  /** Undefined: it may not wait. */
  readonly #hold: Hold | undefined;
  #body: RequestBody | undefined;
  #target: PodTarget | undefined;
  #pod: PodPool | undefined;
  #upstream: Upstream | undefined;
  #repeats = 0;
  #isOver = false;
  /** Whether the head may still be joined by what comes along with it. */
  #isBeginning = false;
  /** Came along with the head, and is not sent yet. */
  #first: Buffer | undefined;

  constructor(context: ServiceContext, req: IncomingMessage, res: ServerResponse, passage: Passage) {
    this.#context = context;
    this.#req = req;
    this.#res = res;
    this.#passage = passage;
    this.#scope = watch(context);
    this.#hold = Hold.of(context);
  }

  start(): void {
    this.#context.running.add(this);
    this.#res.on("close", () => this.#closed());
    const { maxBodyBytes } = this.#context.options;
    const length = bodyLength(this.#req);
    if (maxBodyBytes > 0 && length !== undefined && length > maxBodyBytes) {
      this.#refuseBody(bodyTooLarge(maxBodyBytes));
      return;
    }
    if (length !== 0) this.#body = new RequestBody(this.#req, maxBodyBytes, (error) => this.#refuseBody(error));
    this.#try();
  }

  // ---- What the pod says. ----

  head(status: number, headers: string[]): void {
    if (status === MISDIRECTED) {
      this.#repeat(headers);
      return;
    }
    // From the guard, before anything was executed. The application's own 503 is an answer like any other.
    if (status === UNAVAILABLE && headerOf(headers, WIRE.refused) !== undefined && this.#wait()) return;
    this.#body?.accept();
    try {
      this.#res.writeHead(status, responseHeaders(headers, (this.#target as PodTarget).podIndex));
    } catch (cause) {
      this.#dropUpstream(); // a header that the caller mustn't see, or a status that isn't one
      this.#fail(upstreamFailure({ kind: "broken", cause: cause as Error }, this.#context.counters));
      return;
    }
    // Waits for what comes along with it; not for more: event streams begin with silence.
    this.#isBeginning = true;
    process.nextTick(begin, this);
  }

  data(chunk: Buffer): boolean {
    if (this.#isBeginning && this.#first === undefined && chunk.byteLength <= SMALL_BYTES) {
      this.#first = chunk;
      return true;
    }
    this.#sendFirst();
    if (this.#res.write(chunk)) return true;
    this.#res.once("drain", () => this.#upstream?.resume());
    return false;
  }

  end(): void {
    this.#leavePod();
    endResponse(this.#res, this.#first);
    this.#finish(undefined);
  }

  /** What came along with the head has come: it is sent. */
  begin(): void {
    if (this.#isOver) return;
    this.#sendFirst();
    if (!this.#res.destroyed) this.#res.flushHeaders();
  }

  failed(failure: UpstreamFailure): void {
    this.#leavePod();
    this.#failUnlessHeld(upstreamFailure(failure, this.#context.counters));
  }

  // ---- What we do. ----

  #try(): void {
    this.#repeats = 0;
    const { route } = this.#context;
    const { uid } = this.#passage;
    try {
      // Nearly always: a promise for each request would be dearer than the look-up.
      const known = route.peekTarget?.(uid);
      if (known !== undefined) {
        this.#send(known);
        return;
      }
    } catch (error) {
      this.#unresolved(error); // a route that others made; from a timer it would end the process
      return;
    }
    route.target(uid).then(
      (found) => this.#send(found),
      (error: unknown) => this.#unresolved(error),
    );
  }

  #send(target: PodTarget): void {
    if (this.#isOver) return;
    const { pools, options, counters } = this.#context;
    let pod: PodPool;
    try {
      pod = pools.of(target);
    } catch (error) {
      this.#unresolved(error);
      return;
    }
    if (pod.running >= options.maxRequestsPerPod) {
      this.#failUnlessHeld(podBusy(counters));
      return;
    }
    pod.running += 1;
    this.#target = target;
    this.#pod = pod;
    try {
      this.#upstream = this.#open(pod, target);
    } catch (cause) {
      this.#leavePod();
      this.#failUnlessHeld(upstreamFailure({ kind: "unreached", cause: cause as Error }, counters));
    }
  }

  #open(pod: PodPool, target: PodTarget): Upstream {
    const { options, clock } = this.#context;
    const { uid, path, hops } = this.#passage;
    const method = this.#req.method ?? "GET";
    const headers = requestHeaders({ req: this.#req, target, uid, routeHead: routeHeadOf(pod, target, hops) });
    const length = this.#req.headers["content-length"];
    if (length !== undefined) headers.push("content-length", length);
    const body = this.#body;
    if (body === undefined) return sendPooled(pod.pool, { method, path, headers, body: undefined }, this);
    if (length !== undefined && Number(length) <= KEPT_BYTES) {
      return sendPooled(pod.pool, { method, path, headers, body: body.open() }, this);
    }
    if (length === undefined) headers.push("transfer-encoding", "chunked");
    headers.push("expect", "100-continue");
    const single = { endpoint: pod.endpoint, method, path, headers, options, clock };
    return sendSingle(single, body.open(), () => body.accept(), this);
  }

  /** A pod refused: whoever it points to is asked, see {@link isSentOn}. */
  #repeat(headers: readonly string[]): void {
    const { route, counters } = this.#context;
    const refusedBy = this.#target as PodTarget;
    this.#upstream?.ignore();
    this.#leavePod();
    if (this.#body?.isRepeatable === false) {
      this.#failUnlessHeld(refusedForGood(counters));
      return;
    }
    const said = headerOf(headers, WIRE.link);
    const link = said === undefined ? undefined : decodeLink(said, keyOf(route, this.#passage.uid));
    route.misdirected(refusedBy, link).then(
      (found) => this.#sendAgain(refusedBy, found),
      (error: unknown) => this.#unresolved(error),
    );
  }

  #sendAgain(refusedBy: PodTarget, found: PodTarget): void {
    if (this.#isOver) return;
    if (isSentOn(this.#context, { refusedBy, found, repeats: this.#repeats })) {
      this.#repeats += 1;
      this.#send(found);
    } else {
      this.#failUnlessHeld(refusedForGood(this.#context.counters));
    }
  }

  #unresolved(error: unknown): void {
    if (this.#isOver) return;
    this.#context.counters.unresolved += 1;
    const known = RouteError.from(error);
    if (!known.retryable || !this.#wait()) this.#fail({ error: known });
  }

  /** Nobody executed it: it may wait for a pod that takes it. False: it is to be answered now. */
  #wait(): boolean {
    if (this.#isOver || this.#body?.isRepeatable === false) return false;
    if (this.#hold?.wait(() => this.#try()) !== true) return false;
    this.#upstream?.ignore();
    this.#leavePod();
    return true;
  }

  #failUnlessHeld(failure: Failure): void {
    if (failure.error.outcome !== "not-applied" || !this.#wait()) this.#fail(failure);
  }

  #refuseBody(error: RouteError): void {
    this.#dropUpstream();
    // The rest of it would have to be read to the end before the connection can be used again.
    sendError(this.#res, error, { status: 413, headers: { connection: "close" } });
    this.#finish(error);
  }

  /** Ends it now: the proxy closes. */
  cut(): void {
    this.#dropUpstream();
    this.#fail({ error: closedError() });
  }

  /** It may have been executed, and nobody will ever say so; what never left can go to another pod. */
  podEnded({ podIndex, incarnation }: PodEnd): void {
    const upstream = this.#upstream;
    if (upstream === undefined || this.#target?.podIndex !== podIndex) return;
    if (this.#pod === undefined || this.#pod.incarnation > incarnation) return;
    this.#dropUpstream();
    this.#failUnlessHeld(upstreamFailure(podEnd(upstream.isSent), this.#context.counters));
  }

  #closed(): void {
    if (this.#isOver) return;
    this.#context.counters.aborted += 1;
    this.#dropUpstream();
    this.#finish(new RouteError("CANCELLED", "the caller went away", { outcome: "unknown" }));
  }

  #fail(failure: Failure): void {
    const { error, status } = failure;
    this.#context.logger.debug({ code: error.code, outcome: error.outcome }, "a request was not answered by a pod");
    sendError(this.#res, error, status === undefined ? {} : { status });
    this.#finish(error);
  }

  #sendFirst(): void {
    this.#isBeginning = false;
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) this.#res.write(first); // small: what comes next waits for the caller
  }

  #dropUpstream(): void {
    this.#upstream?.abort();
    this.#leavePod();
  }

  #leavePod(): void {
    if (this.#pod !== undefined) this.#pod.running -= 1;
    this.#pod = undefined;
    this.#upstream = undefined;
  }

  #finish(error: RouteError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#hold?.end();
    this.#context.running.delete(this);
    this.#body?.discard();
    this.#scope?.end(error);
  }
}

function begin(exchange: Exchange): void {
  exchange.begin();
}
