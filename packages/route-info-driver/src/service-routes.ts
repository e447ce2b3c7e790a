import type { PodPositions, PodView, ServiceStateCache } from "@podlink/state-cache";
import type { CallOptions, Figures, LoadBalancer, MetricsSource, PodIdentity, RouteObserver } from "@podlink/types";
import { leastLoaded } from "./least-loaded.ts";
import { restartedPods } from "./restarted-pods.ts";

type PodLife = Pick<PodIdentity, "podIndex" | "incarnation">;

export interface BestPodOptions {
  /** The pod index that must not be chosen. Absent: any may be. */
  readonly except?: number;
  /**
   * The pod that gives up its users. Preferred are those that a rolling restart came to before it, since these stay: of a
   * higher index and registered later. Absent: no preference.
   */
  readonly restartedBefore?: PodLife;
}

const ANY: BestPodOptions = {};

/** The routes to one service. */
export interface ServiceRoutes extends MetricsSource {
  readonly namespace: string;
  readonly service: string;
  readonly cache: ServiceStateCache;
  /** Starts the cache: see {@link ServiceStateCache.init}. */
  init(call?: CallOptions): Promise<void>;
  /** The pod for a new link; counts as a placement there. Makes no call. Undefined: none can take it. */
  best(options?: BestPodOptions): PodView | undefined;
  /** The same by its pod index alone. Without options it makes no garbage, and costs the same among ten pods and ten thousand. */
  bestIndex(options?: BestPodOptions): number | undefined;
  /** Tells the balancer what became of a placement: `lost` when somebody else's link won. */
  settled(podIndex: number, outcome: "placed" | "lost"): void;
  /** Whether so many pods fell silent at once that the store is the suspect: see {@link ServiceStateCache.panic}. */
  panic(): boolean;
}

/** Routes that somebody follows for a while, with a cache that nobody else uses. */
export interface FollowedRoutes extends ServiceRoutes {
  /** Ends its cache: nobody can be chosen any more. Idempotent. */
  close(): void;
}

export interface RoutesParts {
  readonly cache: ServiceStateCache;
  readonly balancer: LoadBalancer;
  /** Whether none is chosen while none is routable. */
  readonly strict: boolean;
  readonly observer?: RouteObserver | undefined;
  readonly random: () => number;
}

/** Routes by what the state cache knows and the balancer makes of it. */
export class CachedRoutes implements ServiceRoutes {
  readonly namespace: string;
  readonly service: string;
  readonly cache: ServiceStateCache;
  readonly #parts: RoutesParts;
  readonly #counts = { placements: 0, overloadedPodsChosen: 0, noPodChosen: 0 };
  #restarted: { readonly leaving: PodLife; readonly version: number; readonly pods: PodPositions } | undefined;

  constructor(parts: RoutesParts) {
    this.#parts = parts;
    this.cache = parts.cache;
    this.namespace = parts.cache.namespace;
    this.service = parts.cache.service;
  }

  init(call?: CallOptions): Promise<void> {
    return this.cache.init(call);
  }

  best(options?: BestPodOptions): PodView | undefined {
    const podIndex = this.bestIndex(options);
    return podIndex === undefined ? undefined : this.cache.pod(podIndex);
  }

  bestIndex({ except, restartedBefore }: BestPodOptions = ANY): number | undefined {
    const routable = this.cache.routable();
    const podIndex =
      (restartedBefore === undefined ? undefined : this.#select(this.#restartedBefore(restartedBefore), except)) ??
      this.#select(routable, except) ??
      this.#overloaded(except);
    if (podIndex === undefined) this.#counts.noPodChosen += 1;
    else this.#counts.placements += 1;
    return podIndex;
  }

  settled(podIndex: number, outcome: "placed" | "lost"): void {
    this.#parts.balancer.settled?.(podIndex, outcome);
  }

  panic(): boolean {
    return this.cache.panic();
  }

  read(): Figures {
    return { ...this.cache.read(), ...this.#counts };
  }

  /** The part of it that only grows. */
  counts(): Figures {
    return { ...this.cache.counts(), ...this.#counts };
  }

  #select(snapshot: PodPositions, except: number | undefined): number | undefined {
    const position = except === undefined ? undefined : snapshot.positionOf(except);
    const chosen = this.#parts.balancer.select(snapshot, position === undefined ? undefined : { except: position });
    // Beyond the count stands what pods that were removed have left; at what is no position at all, nothing.
    return chosen !== undefined && chosen < snapshot.count ? snapshot.podIndexes[chosen] : undefined;
  }

  /** None is routable: the least loaded of those that are available, unless placement is strict. */
  #overloaded(except: number | undefined): number | undefined {
    const { strict, observer, random } = this.#parts;
    if (strict) return undefined;
    const available = this.cache.available();
    const position = leastLoaded(available, except === undefined ? undefined : available.positionOf(except), random);
    const podIndex = position === undefined ? undefined : available.podIndexes[position];
    if (podIndex === undefined) return undefined;
    this.#counts.overloadedPodsChosen += 1;
    const { namespace, service } = this;
    observer?.event({ kind: "overloaded-pod-chosen", namespace, service, podIndex });
    return podIndex;
  }

  #restartedBefore(leaving: PodLife): PodPositions {
    const routable = this.cache.routable();
    const known = this.#restarted;
    const isKnown =
      known?.version === routable.version &&
      known.leaving.podIndex === leaving.podIndex &&
      known.leaving.incarnation === leaving.incarnation;
    if (isKnown) return known.pods;
    const pods = restartedPods(routable, leaving);
    this.#restarted = { leaving, version: routable.version, pods };
    return pods;
  }
}
