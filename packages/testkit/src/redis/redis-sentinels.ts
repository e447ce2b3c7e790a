import type { RedisOptions } from "./redis-options.ts";
import type { RedisServer } from "./redis-server.ts";

export interface SentinelOptions {
  /** What the Sentinels call the primary. Default `podlink`. */
  readonly name?: string;
  /** How long a server must be silent before a Sentinel believes it down, in milliseconds. Default 1000. */
  readonly downAfterMs?: number;
  /** For the primary and the replica. */
  readonly server?: Omit<RedisOptions, "tls">;
}

/** A primary, its replica, and three Sentinels that watch them. */
export interface RedisSentinels extends AsyncDisposable {
  readonly name: string;
  /** Where the Sentinels are, as clients are told. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  readonly sentinels: readonly RedisServer[];
  /** Both of them, the first primary first. */
  readonly servers: readonly RedisServer[];
  /** Whom most of the running Sentinels call primary now. */
  primary(): Promise<RedisServer>;
  /** The other one. */
  replica(): Promise<RedisServer>;
  /** Resolves when the replica follows the primary and has its data: after a restart that takes a second. */
  whenFollowing(): Promise<void>;
  /**
   * Has the replica promoted, once it follows: by command, or with `kill` because the primary was killed. Resolves with the
   * new primary when all running Sentinels name it and it takes writes; without `kill` the old one follows it by then.
   */
  failover(options?: { readonly kill?: boolean }): Promise<RedisServer>;
  end(): Promise<void>;
}
