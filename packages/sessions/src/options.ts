import type { Clock, Link, Logger } from "@podlink/types";
import { describeValue, parseOptions, RouteError } from "@podlink/types";
import * as v from "valibot";
import type { Fence } from "./fence.ts";

/** What `load`, `save` and a use are told. */
export interface SessionContext {
  /** The link of the period. */
  readonly link: Link;
  /** For `load` and a use: aborts when the period ends, nothing may be written after that. For `save`: aborts when its time is over. */
  readonly signal: AbortSignal;
  /** Goes with every write to the storage. */
  readonly fence: Fence;
}

/** What a use is told. */
export interface UseContext extends SessionContext {
  /** The pod's lease is over and it goes on because the store is down (`whenStoreDown: "serve"`): write with the fence only. */
  readonly fenced?: true;
}

/** The application's part. */
export interface SessionHooks<S> {
  /**
   * The state of a uid, called once for a period. A storage with a fence raises it in the same step.
   * What it throws reaches every use that waits; the next use tries again.
   * @throws FenceRefused when the storage has a higher token: this pod claims the uid again above it, or learns that
   * another pod has it.
   */
  readonly load: (uid: string, context: SessionContext) => Promise<S> | S;
  /**
   * Keeps the state before the session goes: at a hand-over, after idleness, at a stop. Not called when nothing used
   * the session since it was loaded or last saved, nor when the period was lost. A use that still runs when the pod's
   * patience with it is over is saved with what it has changed so far, and once more if it ends before the link moves.
   * Absent: every use writes by itself.
   * @throws FenceRefused when the storage has a higher token: the session goes unsaved.
   */
  readonly save?: (uid: string, state: S, context: SessionContext) => Promise<void> | void;
  /** Asked before an idle session goes; true keeps it, for a user still connected say. Absent: idle is idle. */
  readonly isBusy?: (uid: string, state: S) => boolean;
}

/** Figures and times of sessions, all with defaults. */
export interface SessionSettings {
  /** A session not used for this long, in ms, is saved and goes, together with its link. Default 1,800,000: 30 minutes. */
  readonly idleMs: number;
  /** How often idle sessions are looked for, in ms: one timer for all. Default a tenth of `idleMs`, at most a minute. */
  readonly sweepMs: number;
  /** How long the link of an idle session stays as a goodbye, in ms, so that the user comes back here. Default 0: it goes at once. */
  readonly releaseGraceMs: number;
  /** How many uses may wait for one uid; one more is refused with POD_UNAVAILABLE. 0: none waits. Default 256. */
  readonly maxQueued: number;
  /** How long a use waits for the load and for the uses before it, in ms, unless it brings `timeoutMs`. Default 10,000. */
  readonly waitMs: number;
  /** How long one `load` may take, in ms; then it has failed with TIMEOUT. Default 5000. */
  readonly loadTimeoutMs: number;
  /** How long one `save` may take, in ms; then it has failed. Default 5000. */
  readonly saveTimeoutMs: number;
  /** How many times one use claims its uid again because the storage refused the fence. Default 3. */
  readonly maxClaims: number;
}

/** What `createSessions` takes. */
export type SessionsOptions<S> = SessionHooks<S> &
  Partial<SessionSettings> & {
    /** Default: this process' clock. */
    readonly clock?: Clock;
    /** Default: nothing is logged. */
    readonly logger?: Logger;
  };

const DAY_MS = 86_400_000;

/** A whole number with bounds. */
const whole = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

/** The rules of {@link SessionSettings}; unknown keys are refused. */
export const sessionSettings: v.GenericSchema<unknown, SessionSettings> = v.pipe(
  v.strictObject({
    idleMs: v.optional(whole(1, 30 * DAY_MS), 1_800_000),
    sweepMs: v.optional(whole(1, DAY_MS)),
    releaseGraceMs: v.optional(whole(0, DAY_MS), 0),
    maxQueued: v.optional(whole(0, 1_000_000), 256),
    waitMs: v.optional(whole(1, DAY_MS), 10_000),
    loadTimeoutMs: v.optional(whole(1, DAY_MS), 5000),
    saveTimeoutMs: v.optional(whole(1, DAY_MS), 5000),
    maxClaims: v.optional(whole(0, 100), 3),
  }),
  v.transform((input) => ({
    ...input,
    sweepMs: input.sweepMs ?? Math.min(60_000, Math.max(1, Math.ceil(input.idleMs / 10))),
  })),
);

/** The settings with their defaults, frozen. @throws RouteError CONFIG naming what breaks its rule. */
export function parseSettings(input: Partial<SessionSettings>): SessionSettings {
  return parseOptions(sessionSettings, input, "sessions");
}

/** The application's part, when it is functions. @throws RouteError CONFIG */
export function checkHooks<S>(hooks: SessionHooks<S>): SessionHooks<S> {
  for (const name of ["load", "save", "isBusy"] as const) {
    const hook: unknown = hooks[name];
    if (typeof hook === "function" || (hook === undefined && name !== "load")) continue;
    throw new RouteError("CONFIG", `sessions.${name} must be a function; got ${describeValue(hook)}`);
  }
  return hooks;
}
