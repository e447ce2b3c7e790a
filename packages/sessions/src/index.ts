/** The application's side of ownership: load once, use, save on hand-over, let idle sessions go. */
export type { Fence } from "./fence.ts";
export { FenceRefused } from "./fence.ts";
export type { SessionContext, SessionHooks, SessionsOptions, UseContext } from "./options.ts";
export type { Sessions } from "./sessions.ts";
export { createSessions } from "./sessions.ts";

// ---- Below: for those who bring their own pod. ----

export type { SessionHost } from "./host.ts";
export { sessionSettings } from "./options.ts";
