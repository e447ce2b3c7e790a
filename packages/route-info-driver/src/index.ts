/** Which pods of a service are alive, available, routable and best; their addresses, tags and events. */

export type { PlacementOptions, RouteInfoOptions } from "./options.ts";
export type { RouteInfoPorts, RoutingStateChange } from "./route-info-driver.ts";
export { createRouteInfoDriver, RouteInfoDriver } from "./route-info-driver.ts";
export type { BestPodOptions, FollowedRoutes, ServiceRoutes } from "./service-routes.ts";

// ---- Below: for packages that build on this driver. ----

export type { RouteInfoSettings } from "./options.ts";
export { routeInfoEntries } from "./options.ts";
