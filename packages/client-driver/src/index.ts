/** From a uid to the pod that holds it, for callers. */

export type { ClientDriverPorts, LinkName } from "./client-driver.ts";
export { ClientDriver } from "./client-driver.ts";
export type { ClientDriverOptions, FailoverMode, FailoverOptions, ResolvedClientDriverOptions } from "./options.ts";
export type { PodEnd } from "./pod-endings.ts";
export type { ServiceHandle } from "./service-handle.ts";
export type { LinksOutlook, NotRoutableReason, PodStatus, ServiceStatus } from "./service-status.ts";
export type { Target } from "./target.ts";

// ---- Below: for packages that build on this driver. ----

export type { NamespaceReach } from "./namespace-links.ts";
export { clientDriverOptions } from "./options.ts";
