import type { Script } from "@podlink/lua";
import type { StoreEvent, StoreHealth, Subscription } from "@podlink/types";

export type { Script };

export interface RunOptions {
  /** The namespace of all the keys, where whoever asks knows it. Absent: it is read from each of them. */
  readonly namespace?: string | undefined;
  /** Longest wait in milliseconds. Absent: `commandTimeoutMs`. */
  readonly timeoutMs?: number;
  /** Absent: nobody asks, it is written as soon as it can be. */
  readonly writing?: Writing;
  /** What the script publishes leaves Redis before its answer, not after it. Default false; costs Redis an empty command. */
  readonly messageFirst?: boolean;
  /** Nothing else is to be written in this turn: it leaves without waiting for the turn's end. Default false. */
  readonly isAlone?: boolean;
}

/** Follows a script to the wire: from when to when it is not certain that it did not run. */
export interface Writing {
  /** Asked each time right before it is written to a socket. False: it is not, and the call ends with CANCELLED, not applied. */
  begin(): boolean;
  /**
   * Redis refused what was written, without executing it; it may be written again, to another node.
   * @param areKeysApart whether some of its keys have moved to another node, and others not yet: only one at a time is found
   */
  refused(areKeysApart: boolean): void;
}

/** What the rest of the executor sees of Redis: no ioredis type leaves this folder. */
export interface Connection {
  readonly kind: "single" | "sentinel" | "cluster";

  /** Keys of the same group may travel in one script call: a constant outside a cluster, the hash slot in one. */
  groupOf(key: string): number;

  /**
   * EVALSHA, with the script loaded again on NOSCRIPT.
   * @throws RouteError with outcome "not-applied" when it is proved that it did not run (MOVED, ASK, TRYAGAIN, CLUSTERDOWN,
   * LOADING, READONLY, NOSCRIPT, never sent, queue full, not connected), "unknown" otherwise.
   */
  run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
    options?: RunOptions,
  ): Promise<unknown>;

  /** A plain command, its key first among what follows its name; same errors. */
  command(key: string, name: string, ...args: (string | number)[]): Promise<unknown>;

  /** Messages of a channel over the connection's own subscriber; `onGap` when messages may have been missed. */
  subscribe(channel: string, listener: (message: string) => void, onGap: () => void): Subscription;

  /** As last known; makes no call. */
  health(): StoreHealth;
  /** Which life of the store answers: grows when another server answers than before. */
  epoch(): number;
  watch(listener: (event: StoreEvent) => void): Subscription;

  /** Resolves once commands can be sent. @throws RouteError STORE_UNAVAILABLE when that takes longer. */
  whenReady(timeoutMs: number): Promise<void>;

  /** Ends what the connection made itself; an injected client stays open. Idempotent. */
  close(): Promise<void>;
}
