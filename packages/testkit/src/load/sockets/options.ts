import { parseOptions } from "@podlink/types";
import * as v from "valibot";
import { callback, durationMs, seed, signal, urls, users, whole } from "../rules.ts";
import { comesBack } from "./close-codes.ts";

/** What a message says of the sequence of changes. */
export type SocketMessage =
  /** A change. */
  | {
      readonly kind: "change";
      /** One more than that of the change before it; the first is 1. */
      readonly sequence: number;
      /** When it was pushed, as the wall clock of this machine says. Absent: not known. */
      readonly pushedAtMs?: number;
    }
  /** The changes after this one come; those before it are not told. The first message may be one. */
  | { readonly kind: "from"; readonly sequence: number }
  /** The service says itself that changes are lost: `next` is the first that comes. */
  | { readonly kind: "gap"; readonly next: number };

/** WebSockets to hold open; `url`, `users`, `path` and `read` have no default. */
export interface SocketOptions {
  /** Where they go, `http://host:port`; of several, each connection takes the next. */
  readonly url: string | readonly string[];
  /** One socket for each of them: their uids, or how many: `user-0`, `user-1`... */
  readonly users: number | readonly string[];
  /** Path and query of a connection; `last` is the newest change that the socket has seen. Absent: it has seen none. */
  readonly path: (uid: string, last: number | undefined) => string;
  /** What a message says. Undefined: nothing about changes. What it throws counts as unreadable. */
  readonly read: (text: string, uid: string) => SocketMessage | undefined;
  /** Whether to come back after a close code. Default: after all but those that blame the client (1002, 1003, 1007 to 1010, 1015). */
  readonly comeBack?: (code: number) => boolean;
  /** The most that the first wait before coming back lasts, in milliseconds; it doubles with each failure, and is spread evenly from 0. Default 20. */
  readonly minBackoffMs?: number;
  /** The most that such a wait lasts, in milliseconds, unless the service asks for longer. Default 1000. */
  readonly maxBackoffMs?: number;
  /** How long a handshake may take, in milliseconds. Default 5000. */
  readonly handshakeMs?: number;
  /** How long all of them may take to be open for the first time, in milliseconds; then the start has failed. Default 30000. */
  readonly openWithinMs?: number;
  /** How many handshakes are under way at the start; coming back is not paced. Default 64. */
  readonly maxOpening?: number;
  /** How often each socket is pinged, in milliseconds; one that did not answer the last ping is cut. 0: never. Default 5000. */
  readonly pingMs?: number;
  /** Of the waits. Default: random. */
  readonly seed?: number;
  /** Ends the sockets when it is aborted. */
  readonly signal?: AbortSignal;
}

/** The options as the sockets use them: with defaults. */
export interface SocketSettings extends Required<Omit<SocketOptions, "url" | "users" | "signal">> {
  readonly url: readonly string[];
  readonly users: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

const schema = v.strictObject({
  url: urls,
  users,
  path: callback<SocketOptions["path"]>(),
  read: callback<SocketOptions["read"]>(),
  comeBack: v.optional(callback<NonNullable<SocketOptions["comeBack"]>>(), () => comesBack),
  minBackoffMs: v.optional(durationMs, 20),
  maxBackoffMs: v.optional(durationMs, 1000),
  handshakeMs: v.optional(durationMs, 5000),
  openWithinMs: v.optional(durationMs, 30_000),
  maxOpening: v.optional(whole(1, 100_000), 64),
  pingMs: v.optional(whole(0, 3_600_000), 5000),
  seed,
  signal,
});

/** @throws RouteError CONFIG naming each option that breaks its rule. */
export function parseSocketOptions(options: SocketOptions): SocketSettings {
  return parseOptions(schema, options, "sockets");
}
