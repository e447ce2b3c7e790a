import type { Clock, PodAddress, PodIdentity, Timer } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { Pool } from "undici";
import type { ResolvedProxyLimits } from "./options.ts";
import { routeHead } from "./headers.ts";
import type { Endpoint } from "./pod-address.ts";
import { endpointOf, lookupPod } from "./pod-address.ts";
import type { PodTarget, ServiceRoute } from "./ports.ts";

/** How often pools of pods that went are looked for. */
const SWEEP_MS = 10_000;

/** The connections to one life of one pod. */
export interface PodPool {
  readonly incarnation: number;
  /** As it was registered. */
  readonly address: PodAddress;
  readonly endpoint: Endpoint;
  readonly pool: Pool;
  /** As the route of a request to this life of the pod begins that has passed no other gateway. */
  readonly routeHead: string;
  /** Requests under way or waiting. */
  running: number;
}

/** The connections to the pods of one service: made at first use, closed when the pod goes or comes back as another life. */
export class PodPools {
  readonly #pods = new Map<number, PodPool>();
  readonly #ending = new Map<PodPool, Promise<void>>();
  readonly #options: ResolvedProxyLimits;
  readonly #route: ServiceRoute;
  readonly #clock: Clock;
  #sweep: Timer | undefined;
  #isClosed = false;

  constructor(route: ServiceRoute, options: ResolvedProxyLimits, clock: Clock) {
    this.#route = route;
    this.#options = options;
    this.#clock = clock;
  }

  get size(): number {
    return this.#pods.size;
  }

  /**
   * The pool of the pod that is meant. A target of an earlier life of it, from a cache, gets the present one's.
   * @throws RouteError POD_UNAVAILABLE, CLOSED
   */
  of(target: PodTarget): PodPool {
    const known = this.#pods.get(target.podIndex);
    if (known !== undefined && serves(known, target)) return known;
    if (this.#isClosed) throw new RouteError("CLOSED", "the proxy is closed");
    const made = this.#make(target);
    if (known !== undefined) this.#end(known);
    this.#pods.set(target.podIndex, made);
    this.#sweep ??= this.#clock.setTimer(SWEEP_MS, this.#dropGone);
    return made;
  }

  /** Closes what is idle and cuts what isn't: whoever closes has waited for the requests. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#sweep?.cancel();
    for (const pod of this.#pods.values()) this.#end(pod);
    this.#pods.clear();
    await Promise.all(Array.from(this.#ending.keys(), (pod) => pod.pool.destroy(closedError())));
  }

  #make(target: PodTarget): PodPool {
    const { allowAddress, connectTimeoutMs, responseTimeoutMs, responseIdleMs } = this.#options;
    const { address, incarnation } = target;
    const endpoint = endpointOf(address, allowAddress);
    const pool = new Pool(`http://${endpoint.authority}`, {
      connections: this.#options.maxConnectionsPerPod,
      connect: { lookup: lookupPod, timeout: connectTimeoutMs },
      headersTimeout: responseTimeoutMs,
      bodyTimeout: responseIdleMs,
      maxHeaderSize: this.#options.maxHeaderBytes,
    });
    return { incarnation, address, endpoint, pool, routeHead: routeHead(identityOf(target), 1), running: 0 };
  }

  #end(pod: PodPool): void {
    const ended = pod.pool.close().catch(() => undefined); // already destroyed
    this.#ending.set(pod, ended);
    void ended.then(() => this.#ending.delete(pod));
  }

  readonly #dropGone = (): void => {
    this.#sweep = this.#clock.setTimer(SWEEP_MS, this.#dropGone);
    const lives = new Map<number, number>();
    for (const { row, goodbye } of this.#route.pods()) if (!goodbye) lives.set(row.podIndex, row.incarnation);
    for (const [podIndex, pod] of this.#pods) {
      const life = lives.get(podIndex);
      if (life !== undefined && life <= pod.incarnation) continue;
      this.#pods.delete(podIndex);
      this.#end(pod);
    }
  };
}

/** As a request's route begins; a stale caller still means the life that it knows. @param hops with this gateway. */
export function routeHeadOf(pod: PodPool, target: PodTarget, hops: number): string {
  if (hops === 1 && pod.incarnation === target.incarnation) return pod.routeHead;
  return routeHead(identityOf(target), hops);
}

/** The life of a pod that is meant. */
export function identityOf({ link, podIndex, incarnation }: PodTarget): PodIdentity {
  return { namespace: link.namespace, service: link.service, podIndex, incarnation };
}

/** A later life is never left for an earlier one; within a life, the address may change. */
function serves(known: PodPool, target: PodTarget): boolean {
  if (known.incarnation !== target.incarnation) return known.incarnation > target.incarnation;
  return known.address.host === target.address.host && known.address.httpPort === target.address.httpPort;
}

/** What cut connections fail with. */
export function closedError(): RouteError {
  return new RouteError("CLOSED", "the proxy was closed", { outcome: "unknown" });
}
