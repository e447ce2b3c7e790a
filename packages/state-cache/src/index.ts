/** Pod states near the caller, and bounded caches for links. */

export type { PodChange, PodPositions, PodView } from "./pod-view.ts";
export type { StateCacheOptions } from "./options.ts";
export type { StateCachePorts } from "./service-state-cache.ts";
export { ServiceStateCache } from "./service-state-cache.ts";
export type { LinkCacheOptions } from "./options.ts";
export type { Fill, LinkCachePorts } from "./link-cache.ts";
export { LinkCache } from "./link-cache.ts";

// ---- Below: for packages that build on these caches. ----

export type { CertainPods } from "./availability.ts";
export { CoarseClock } from "./coarse-clock.ts";
export type { LinkCacheSettings, StateCacheSettings, WholeNumber } from "./options.ts";
export { checkReadingTimes, linkCacheEntries, stateCacheEntries } from "./options.ts";
