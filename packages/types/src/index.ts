/**
 * The domain of podlink: what links and pods are, the ports that stores implement and drivers use, the one error class,
 * and the checks of values. No dependencies, no I/O.
 */

// Names that users meet.
export type { Holder, Lifetime, Link, LinkKey, LinkKind, Owner } from "./link.ts";
export { compareTokens } from "./link.ts";
export type { PodAddress, PodIdentity, PodReport, PodRow, RoutingState, ServiceState, WorkloadState } from "./pod.ts";
export { isAlive, isAvailable, isGoodbye, isRoutable, workloadStateOf } from "./pod.ts";
export type { RouteErrorCode, RouteErrorDetails, RouteErrorOutcome } from "./route-error.ts";
export { RouteError } from "./route-error.ts";
export type { CallOptions } from "./ports/call-options.ts";
export type { LogFields, Logger } from "./ports/logger.ts";
export { silentLogger } from "./ports/logger.ts";
export type {
  Figures,
  MetricsSource,
  Operation,
  OperationName,
  CallerEvent,
  EpochChange,
  FencedReason,
  PodOwnEvent,
  RegistrationLoss,
  ReplaceReason,
  RouteEvent,
  StoreSeenEvent,
  RouteObserver,
  Scope,
} from "./ports/observation.ts";
export type { Subscription } from "./ports/subscription.ts";
export type { NamedOperations, StatefulExecutor } from "./stateful-executor.ts";
export { batchGetLinkedPod, namedOperations } from "./stateful-executor.ts";

// ---- Below: for those who write a store, a strategy or a transport. ----

export type {
  Expected,
  GetOp,
  GetResult,
  LinkOp,
  LinkOpKind,
  RemoveOp,
  RemoveResult,
  RenewOp,
  RenewResult,
  ReplaceOp,
  ReplaceResult,
  ResultOf,
  SetDone,
  SetIfAbsentOp,
  SetIfAbsentResult,
  SetOp,
  SetResult,
  Superseded,
  TrySetOp,
  TrySetResult,
} from "./link-op.ts";
export { isSuperseded } from "./link-op.ts";
export { checkLinkOp } from "./check-link-op.ts";
export {
  checkHeartbeat,
  checkLeave,
  checkReadPodsOptions,
  checkRegistration,
  checkWorkloadState,
} from "./check-pod-calls.ts";
export { checkToken, makeLink, TOKEN_LIMIT } from "./link.ts";
export { checkAddress, checkPodReport, holderText } from "./pod.ts";
export {
  checkDurationMs,
  checkIncarnation,
  checkItems,
  checkNamespace,
  checkPodIndex,
  checkService,
  checkTag,
  checkUid,
  describeValue,
  MAX_CALL_ITEMS,
  MAX_POD_INDEX,
  refuse,
} from "./values.ts";
export { codeAt } from "./code-at.ts";
export { bucketOf, encodeKeyPart, linkKey, namespaceKey, serviceKey } from "./keys.ts";
export type { ServiceKeyName } from "./keys.ts";
export { DEFAULT_CALL_TIMEOUT_MS } from "./ports/call-options.ts";
export type { Catalogue } from "./ports/catalogue.ts";
export type { Clock, Timer } from "./ports/clock.ts";
export { systemClock } from "./ports/clock.ts";
export type { Answer, LinkStore } from "./ports/link-store.ts";
export type { LoadBalancer, PodSnapshot, SelectContext } from "./ports/load-balancer.ts";
export type {
  KnownReading,
  PodDirectory,
  PodEvent,
  PodReading,
  ReadPodsOptions,
  SilentPod,
} from "./ports/pod-directory.ts";
export type {
  Heartbeat,
  HeartbeatResult,
  Leave,
  LostLink,
  PodRegistry,
  RegisterResult,
  Registration,
  Successor,
} from "./ports/pod-registry.ts";
export type { RemoteStore, Store } from "./ports/store.ts";
export type { StoreEvent, StoreHealth, StoreStatus } from "./ports/store-status.ts";
export type { DeadlineOptions, Ending } from "./async/deadline.ts";
export { defer, sleep, withDeadline } from "./async/deadline.ts";
export { keepAliveUntil } from "./async/keep-alive.ts";
export { Listeners } from "./async/listeners.ts";
export { SingleFlight } from "./async/single-flight.ts";
export { guardedObserver } from "./guarded-observer.ts";
export type { OptionsSchema } from "./parse-options.ts";
export { parseOptions } from "./parse-options.ts";
export { DEFAULTS } from "./defaults.ts";
