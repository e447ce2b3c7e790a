/** A pod's own side of podlink: registration, heartbeats, ownership, drain. */

// Names that users meet.
export { ServerDriver } from "./server-driver.ts";
export type { ServerDriverDependencies, StopOptions } from "./server-driver.ts";
export type { ServerDriverOptions } from "./options.ts";
export type { Entered, Entry, Granted, GuardAnswer, GuardRequest, RefusalReason, Refused } from "./answers.ts";
export type { EndReason, HandOff, PeriodEvent, PodPhase, PodState } from "./events.ts";

// ---- Below: for those who compose drivers. ----

export { serverDriverOptions } from "./options.ts";
