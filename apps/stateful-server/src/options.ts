import type { Clock, Logger } from "@podlink/types";
import { parseOptions } from "@podlink/types";
import type { JoinOptions } from "podlink";
import * as v from "valibot";
import type { SessionStore } from "./session-store.ts";

/** Limits of a room, all with defaults. */
export interface RoomLimits {
  /** Where it listens. Default "127.0.0.1". */
  readonly host: string;
  /** The port it listens on. 0: any free one. Default 0. */
  readonly port: number;
  /** The port that others reach it at, behind a port mapping say. Absent: the one it listens on. */
  readonly advertisedPort?: number | undefined;
  /** The longest text of one message, in characters. Default 1000. */
  readonly maxTextLength: number;
  /** The most bytes of a request's body, or of a message on a socket. Default 8192. */
  readonly maxBodyBytes: number;
  /** How long the body of a request may take to arrive, in ms; then 408. Default 5000. */
  readonly bodyTimeoutMs: number;
  /** The most sockets; more are refused with 503. Default 10,000. */
  readonly maxSockets: number;
  /** The most bytes that wait for a slow socket; beyond, it is closed with 1013 and may come back. Default 1 MiB. */
  readonly maxSocketBacklogBytes: number;
  /** How often sockets are pinged, in ms; one that didn't answer the last ping is cut. Default 30,000. */
  readonly pingMs: number;
  /**
   * How long it still answers after its goodbye, in ms: callers that have not heard of it yet are pointed elsewhere instead
   * of being cut off. 0: not at all. Default 500.
   */
  readonly lingerMs: number;
  /** After so much idleness, in ms, a room without sockets is let go. Default 1,800,000: 30 minutes. */
  readonly idleMs: number;
}

/** What `startRoom` takes. */
export interface RoomOptions extends Partial<RoomLimits> {
  /** The pod: namespace, service (default "room"), podIndex, store, ... `http` is filled in by the room. */
  readonly pod?: Omit<JoinOptions, "http" | "logger" | "clock">;
  /** Where sessions are kept. Default: the memory of this process, shared by its rooms. */
  readonly sessionStore?: SessionStore;
  /** Default: nothing is logged. pino's loggers fit. */
  readonly logger?: Logger;
  /** Default: this process' clock. */
  readonly clock?: Clock;
}

const whole = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const DAY_MS = 86_400_000;

const roomLimits = v.strictObject({
  host: v.optional(v.pipe(v.string(), v.nonEmpty()), "127.0.0.1"),
  port: v.optional(whole(0, 65_535), 0),
  advertisedPort: v.optional(whole(1, 65_535)),
  maxTextLength: v.optional(whole(1, 100_000), 1000),
  maxBodyBytes: v.optional(whole(64, 1_048_576), 8192),
  bodyTimeoutMs: v.optional(whole(1, DAY_MS), 5000),
  maxSockets: v.optional(whole(0, 1_000_000), 10_000),
  maxSocketBacklogBytes: v.optional(whole(1024, 1_073_741_824), 1_048_576),
  pingMs: v.optional(whole(1, DAY_MS), 30_000),
  lingerMs: v.optional(whole(0, 60_000), 500),
  idleMs: v.optional(whole(1, 30 * DAY_MS), 1_800_000),
});

/** The limits with their defaults, frozen. @throws RouteError CONFIG naming what breaks its rule. */
export function parseLimits(input: Partial<RoomLimits>): RoomLimits {
  return parseOptions(roomLimits, input, "room");
}
