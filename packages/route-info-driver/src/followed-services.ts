import type { Figures } from "@podlink/types";
import type { CachedRoutes, FollowedRoutes } from "./service-routes.ts";

/** The routes that are followed for a while, and what was counted in those that are not any more. */
export class FollowedServices {
  readonly #open = new Set<CachedRoutes>();
  readonly #ended: Record<string, number> = {};
  readonly #onEnd: (routes: CachedRoutes) => void;

  /** @param onEnd called before the cache of some of them is closed */
  constructor(onEnd: (routes: CachedRoutes) => void) {
    this.#onEnd = onEnd;
  }

  add(routes: CachedRoutes): FollowedRoutes {
    this.#open.add(routes);
    return Object.assign(routes, { close: () => this.#end(routes) });
  }

  /** Counters alone: how many pods there are is said by the routes that are kept. */
  counts(): Figures {
    const sums = { ...this.#ended };
    for (const routes of this.#open) addTo(sums, routes.counts());
    return sums;
  }

  close(): void {
    for (const routes of this.#open) this.#end(routes);
  }

  #end(routes: CachedRoutes): void {
    if (!this.#open.delete(routes)) return;
    this.#onEnd(routes);
    routes.cache.close();
    addTo(this.#ended, routes.counts());
  }
}

/** Adds figures to sums of the same names. */
export function addTo(sums: Record<string, number>, figures: Figures): void {
  for (const [name, value] of Object.entries(figures)) sums[name] = (sums[name] ?? 0) + value;
}
