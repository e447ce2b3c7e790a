/**
 * The front door of podlink: {@link connect} for callers, {@link joinAsPod} for pods.
 */
export type { Service } from "./connect.ts";
export { connect, Podlink } from "./connect.ts";
export type { PodStatus, ServiceStatus } from "@podlink/client-driver";
export { joinAsPod, Pod } from "./join-as-pod.ts";
export type { CommonOptions, ConnectOptions, JoinOptions } from "./options.ts";
export type { RedisOptions, StoreOption } from "./store.ts";
export type { CallOptions, Link, Logger, PodAddress, PodIdentity, RouteErrorCode, RouteObserver } from "@podlink/types";
export { RouteError } from "@podlink/types";
export type { Fence, SessionContext, Sessions, SessionsOptions } from "@podlink/sessions";
export { FenceRefused } from "@podlink/sessions";

// ---- Below: for those who compose the parts themselves. ----

export type { EnvironmentIdentity } from "./identity.ts";
export { identityFromEnvironment } from "./identity.ts";
