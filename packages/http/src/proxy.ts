import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock, Figures, Logger, RouteObserver } from "@podlink/types";
import { parseOptions, RouteError, silentLogger, systemClock } from "@podlink/types";
import { Exchange } from "./exchange.ts";
import type { ProxyLimits } from "./options.ts";
import { proxyLimits } from "./options.ts";
import { PodPools } from "./pod-pools.ts";
import type { ServiceRoute } from "./ports.ts";
import { ProxyCounters } from "./proxy-counters.ts";
import { answerSocket } from "./raw-answer.ts";
import { RepeatBudget } from "./repeat-budget.ts";
import { Running } from "./running.ts";
import { sendError } from "./send-error.ts";
import type { Passage, ServiceContext } from "./service-context.ts";
import { LOOP_STATUS, LoopError, passageOf } from "./service-context.ts";
import { Upgrades } from "./upgrades.ts";

/** What a proxy is told by the program that uses it. */
export interface ProxyOptions<Req extends IncomingMessage = IncomingMessage> extends ProxyLimits {
  /** Who the request is for. Undefined: not for this service; `next` is called, or 400 is answered. */
  readonly uid: (req: Req) => string | undefined;
  /** What the pod is asked for: a request target that begins with "/". Default: the request's own `url`. */
  readonly path?: (req: Req) => string;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly observer?: RouteObserver;
}

/** Sends requests to the pods that their users are linked to. All members can be passed on without their object. */
export interface Proxy<Req extends IncomingMessage = IncomingMessage> {
  /** A handler for `node:http`, Express and Connect. Streams both ways; repeats when a pod answers 421, see the README. */
  readonly handle: (req: Req, res: ServerResponse, next?: (error?: unknown) => void) => void;
  /** A listener for the `upgrade` event of a server: relays WebSockets. */
  readonly upgrade: (req: Req, socket: Duplex, head: Buffer) => void;
  /**
   * Takes nothing more; tells WebSockets to come back (1012), ends what runs, cuts what is left after the deadline, closes the connections to the pods. Idempotent.
   * @param options.deadlineMs default 5000; 0: at once.
   */
  readonly close: (options?: { readonly deadlineMs?: number }) => Promise<void>;
  /** Ends now what is still under way; with `close`, whoever can't wait any longer. */
  readonly cut: () => void;
  readonly read: () => Figures;
}

/**
 * A proxy for one service.
 * @throws RouteError CONFIG
 */
export function createProxy<Req extends IncomingMessage = IncomingMessage>(
  route: ServiceRoute,
  settings: ProxyOptions<Req>,
): Proxy<Req> {
  const { uid, path, clock = systemClock, logger = silentLogger, observer, ...input } = settings;
  if (typeof uid !== "function") throw new RouteError("CONFIG", "proxy.uid: must be a function of the request");
  const options = parseOptions(proxyLimits, input, "proxy");
  const counters = new ProxyCounters();
  const running = new Running();
  const pools = new PodPools(route, options, clock);
  const budget = new RepeatBudget(options, clock);
  const context: ServiceContext = { route, pools, options, counters, budget, running, clock, logger, observer };
  const upgrades = new Upgrades(context);
  const podEnds = route.onPodEnd((end) => {
    running.forEach((exchange) => exchange.podEnded(end));
    upgrades.podEnded(end);
  });
  let closing: Promise<void> | undefined;

  /** Undefined: not for this service. */
  function passage(req: Req): Passage | undefined {
    counters.requests += 1;
    budget.earn();
    if (closing !== undefined) throw new RouteError("CLOSED", "the gateway is closing");
    const asked = uid(req);
    if (asked === undefined) return undefined;
    return passageOf(req, asked, path === undefined ? (req.url ?? "/") : path(req), options.maxHops);
  }

  function cutAll(): void {
    running.cutAll();
    upgrades.cutAll();
  }

  async function closeAll(deadlineMs: number): Promise<void> {
    upgrades.restart();
    const deadline = clock.setTimer(deadlineMs, cutAll);
    await Promise.all([running.whenEmpty(), upgrades.whenEmpty()]);
    deadline.cancel();
    podEnds.close();
    await pools.close();
  }

  function statusOf(error: unknown): { readonly status?: number } {
    if (!(error instanceof LoopError)) return {};
    counters.loops += 1;
    return { status: LOOP_STATUS };
  }

  return {
    handle(req, res, next) {
      try {
        const found = passage(req);
        if (found !== undefined) new Exchange(context, req, res, found).start();
        else if (next !== undefined) next();
        else throw noUid();
      } catch (error) {
        sendError(res, error, statusOf(error));
      }
    },
    upgrade(req, socket, head) {
      try {
        const found = passage(req);
        if (found === undefined) throw noUid();
        upgrades.start(req, socket, head, found);
      } catch (error) {
        answerSocket(socket, error, statusOf(error));
      }
    },
    close({ deadlineMs = 5000 } = {}) {
      closing ??= closeAll(deadlineMs);
      return closing;
    },
    cut: cutAll,
    read: () => ({ ...counters.read(), running: running.size, upgraded: upgrades.size, pods: pools.size }),
  };
}

function noUid(): RouteError {
  return new RouteError("INVALID_ARGUMENT", "the request names no uid", { outcome: "not-applied" });
}
