import type { IncomingMessage } from "node:http";
import type { Clock, LinkKey, Logger, RouteObserver, Scope } from "@podlink/types";
import { checkUid, RouteError } from "@podlink/types";
import { hopsOf } from "./forwarded-headers.ts";
import type { ResolvedProxyLimits } from "./options.ts";
import type { PodPools } from "./pod-pools.ts";
import type { ServiceRoute } from "./ports.ts";
import type { ProxyCounters } from "./proxy-counters.ts";
import type { RepeatBudget } from "./repeat-budget.ts";
import type { Running } from "./running.ts";

/** What every request through one proxy shares. */
export interface ServiceContext {
  readonly route: ServiceRoute;
  readonly pools: PodPools;
  readonly options: ResolvedProxyLimits;
  readonly counters: ProxyCounters;
  readonly budget: RepeatBudget;
  /** Requests under way. */
  readonly running: Running;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer: RouteObserver | undefined;
}

/** One request on its way: whom it is for, and what the pod gets of its head. */
export interface Passage {
  readonly uid: string;
  /** The request target as the pod gets it: begins with "/". */
  readonly path: string;
  /** How many gateways it has passed with this one. */
  readonly hops: number;
}

/** The status of a request that goes in circles (RFC 5842 section 7.2). */
export const LOOP_STATUS = 508;

/** Thrown for a request that passed too many gateways; it goes with {@link LOOP_STATUS}. */
export class LoopError extends RouteError {
  constructor(maxHops: number) {
    super("CONFIG", `the request has passed more than ${maxHops} gateways: they send it in circles`, {
      outcome: "not-applied",
    });
  }
}

/** Checks what a request brings. @throws RouteError INVALID_ARGUMENT; LoopError */
export function passageOf(req: IncomingMessage, uid: string, path: string, maxHops: number): Passage {
  const checked = checkUid(uid);
  if (!/^\/[!-ÿ]*$/.test(path)) {
    throw new RouteError("INVALID_ARGUMENT", 'the request target must begin with "/"', { outcome: "not-applied" });
  }
  const hops = hopsOf(req) + 1;
  if (hops > maxHops) throw new LoopError(maxHops);
  return { uid: checked, path, hops };
}

/** The key of a request's link. */
export function keyOf(route: ServiceRoute, uid: string): LinkKey {
  return { namespace: route.namespace, service: route.service, uid };
}

/** Begins to watch a request, if anybody does. */
export function watch(context: ServiceContext): Scope | undefined {
  const { observer, route } = context;
  return observer?.start({ name: "proxy", namespace: route.namespace, service: route.service });
}
