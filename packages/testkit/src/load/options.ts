import { parseOptions } from "@podlink/types";
import * as v from "valibot";
import type { AttemptEnd, HttpAnswer, LoadRequest } from "./http-answer.ts";
import type { EndedRequest } from "./ended-request.ts";
import type { Outcome } from "./outcome.ts";
import { outcomeOf } from "./outcome.ts";
import type { RetryOptions } from "./run-request.ts";
import type { SocketOptions } from "./sockets/options.ts";
import type { Reading } from "./user-record.ts";
import { callback, durationMs, seed, signal, urls, users, whole } from "./rules.ts";

/** What load is made of. `url`, `users`, `ratePerSecond` and `request` have no default. */
export interface LoadOptions {
  /** Where requests go, `http://host:port`; of several, each request and each repeat takes the next. */
  readonly url: string | readonly string[];
  /** Who asks: their uids, or how many: `user-0`, `user-1`... */
  readonly users: number | readonly string[];
  /** Requests per second, above 0, whatever the answers are. */
  readonly ratePerSecond: number;
  /** `constant`: evenly. `poisson`: at random, as from many who know nothing of each other. Default `constant`. */
  readonly arrivals?: "constant" | "poisson";
  /** Whose turn it is: one user after another, or anybody. Default `in-turn`. */
  readonly userOrder?: "in-turn" | "random";
  /** The `turn`th request (from 0), by that user. Called when it is due. What it throws makes the request `failed`. */
  readonly request: (uid: string, turn: number) => LoadRequest;
  /** What an acknowledgement says of its user. What it throws makes the request `failed`. Default: nothing. */
  readonly read?: (answer: HttpAnswer, uid: string) => Reading | undefined;
  /** What is known of a request after an attempt. Default: `outcomeOf`. */
  readonly classify?: (end: AttemptEnd) => Outcome;
  /** Hears of every request when it has ended, for books of one's own. What it throws stands in `failures`. */
  readonly onEnd?: (ended: EndedRequest) => void;

  /** How many requests there are. Absent: until the load is ended. */
  readonly requests?: number;
  /** For how long requests are due, in milliseconds. Absent: until the load is ended. */
  readonly durationMs?: number;
  /** The most requests under way, those that wait for their repeat included; one more is not sent, but counted as shed. Default 1000. */
  readonly maxInFlight?: number;
  /** The longest that one attempt takes, in milliseconds. Default 5000. */
  readonly timeoutMs?: number;
  /** Whether and how long requests are repeated. Default: each is sent once. */
  readonly retry?: RetryOptions;

  /** How long one row of the timeline is, in milliseconds. Default 1000. */
  readonly timelineMs?: number;
  /** Of everything that is random; it stands in the report. Default: random. */
  readonly seed?: number;
  /** WebSockets to hold open meanwhile, by default one for each user. Absent: none. */
  readonly sockets?: LoadSocketOptions;
  /** Ends the load at once when it is aborted. */
  readonly signal?: AbortSignal;
}

/** Sockets beside a load; `url` and `users` are by default the load's. */
export interface LoadSocketOptions extends Omit<SocketOptions, "url" | "users" | "seed" | "signal"> {
  readonly url?: string | readonly string[];
  readonly users?: number | readonly string[];
}

type Plain =
  | "ratePerSecond"
  | "arrivals"
  | "userOrder"
  | "request"
  | "read"
  | "classify"
  | "onEnd"
  | "maxInFlight"
  | "timeoutMs"
  | "timelineMs"
  | "seed";

/** The options as the load uses them: with defaults. */
export interface LoadSettings extends Required<Pick<LoadOptions, Plain>> {
  readonly url: readonly string[];
  readonly users: readonly string[];
  readonly requests?: number | undefined;
  readonly durationMs?: number | undefined;
  readonly retry?: Required<RetryOptions> | undefined;
  readonly signal?: AbortSignal | undefined;
}

const retry = v.pipe(
  v.strictObject({
    withinMs: durationMs,
    minBackoffMs: v.optional(durationMs, 50),
    maxBackoffMs: v.optional(durationMs, 1000),
  }),
  v.check(
    ({ minBackoffMs, maxBackoffMs }) => minBackoffMs <= maxBackoffMs,
    "minBackoffMs must not be above maxBackoffMs",
  ),
);

const schema = v.strictObject({
  url: urls,
  users,
  ratePerSecond: v.pipe(v.number(), v.gtValue(0), v.maxValue(1_000_000)),
  arrivals: v.optional(v.picklist(["constant", "poisson"]), "constant"),
  userOrder: v.optional(v.picklist(["in-turn", "random"]), "in-turn"),
  request: callback<LoadOptions["request"]>(),
  read: v.optional(callback<NonNullable<LoadOptions["read"]>>(), () => () => undefined),
  classify: v.optional(callback<NonNullable<LoadOptions["classify"]>>(), () => outcomeOf),
  onEnd: v.optional(callback<NonNullable<LoadOptions["onEnd"]>>(), () => () => undefined),
  requests: v.optional(whole(1, Number.MAX_SAFE_INTEGER)),
  durationMs: v.optional(durationMs),
  maxInFlight: v.optional(whole(1, 1_000_000), 1000),
  timeoutMs: v.optional(durationMs, 5000),
  retry: v.optional(retry),
  timelineMs: v.optional(whole(10, 86_400_000), 1000),
  seed,
  sockets: v.optional(v.looseObject({})), // its own rules are checked where sockets are made
  signal,
});

/** @throws RouteError CONFIG naming each option that breaks its rule. */
export function parseLoadOptions(options: LoadOptions): LoadSettings {
  return parseOptions(schema, options, "load");
}
