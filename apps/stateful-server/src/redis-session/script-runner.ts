import type { Clock, Logger } from "@podlink/types";
import { defer, RouteError, withDeadline } from "@podlink/types";
import type { RedisOptions } from "ioredis";
import { Redis } from "ioredis";
import type { RedisSessionSettings } from "./options.ts";
import { addressOf } from "./options.ts";
import { describe, isUnknownScript, reconnectOnError, toRouteError } from "./redis-errors.ts";
import type { Script } from "./script.ts";

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2000;

type Connecting = Pick<RedisSessionSettings, "url" | "commandTimeoutMs" | "connectTimeoutMs">;

/** A small connection of its own that runs scripts, each within its deadline. Connects by itself, now and after every loss. */
export class ScriptRunner {
  readonly #redis: Redis;
  readonly #timeoutMs: number;
  readonly #patient: Pick<Clock, "setTimer">;
  readonly #logger: Logger;
  #ready = readiness();
  #isReady = false;
  #isLost = false;
  #isClosed = false;

  constructor(settings: Connecting, { clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#timeoutMs = settings.commandTimeoutMs;
    this.#logger = logger;
    // A process that was busy first reads what Redis answered meanwhile: that is no silence.
    this.#patient = { setTimer: (delayMs, run) => clock.setTimer(delayMs, () => void setImmediate(run)) };
    this.#redis = new Redis(optionsOf(settings));
    this.#redis.on("ready", () => this.#found());
    this.#redis.on("close", () => this.#left());
    this.#redis.on("error", (error: unknown) => this.#lost(error));
  }

  /** @throws RouteError: outcome "not-applied" where that is sure, else "unknown" */
  async run(script: Script, key: string, args: readonly string[]): Promise<unknown> {
    const call = { isSent: false, isOver: false };
    const what = `the session store (${script.name})`;
    try {
      const work = this.#call(script, [1, key, ...args], call);
      return await withDeadline(work, { timeoutMs: this.#timeoutMs, what, clock: this.#patient });
    } catch (error) {
      throw this.#isClosed ? closed(call.isSent) : toRouteError(error, what, call.isSent);
    } finally {
      call.isOver = true;
    }
  }

  /** Calls under way, and all after, fail with CLOSED. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#ready.reject(closed());
    this.#redis.disconnect();
  }

  async #call(script: Script, args: (string | number)[], call: { isSent: boolean; isOver: boolean }): Promise<unknown> {
    if (this.#isClosed) throw closed();
    if (!this.#isReady) await this.#ready.promise;
    if (call.isOver) return undefined; // nobody waits any more: nothing is sent
    call.isSent = true;
    try {
      return await this.#redis.call("EVALSHA", script.sha, ...args);
    } catch (error) {
      if (!isUnknownScript(error) || call.isOver) throw error;
      return this.#redis.call("EVAL", script.source, ...args);
    }
  }

  #found(): void {
    if (this.#isLost) this.#logger.info({ code: "SESSION_REDIS_BACK" }, "Redis answers again: sessions can be written");
    this.#isLost = false;
    this.#isReady = true;
    this.#ready.resolve();
  }

  #left(): void {
    if (!this.#isReady || this.#isClosed) return;
    this.#isReady = false;
    this.#ready = readiness();
    this.#lost(undefined);
  }

  /** Said once for each outage: what follows are the tries to come back. */
  #lost(error: unknown): void {
    if (this.#isLost || this.#isClosed) return;
    this.#isLost = true;
    this.#logger.warn({ code: "SESSION_REDIS_LOST", reason: describe(error) }, "no session can be loaded or written");
  }
}

function readiness(): ReturnType<typeof defer<void>> {
  const ready = defer<void>();
  ready.promise.catch(() => undefined); // whoever waits for it hears of it
  return ready;
}

/** Each line answers a fault that was seen: commands executed twice, calls that never settle, queues without bound. */
function optionsOf({ url, commandTimeoutMs, connectTimeoutMs }: Connecting): RedisOptions & { replyMapping: "legacy" } {
  return {
    ...addressOf(url),
    connectTimeout: connectTimeoutMs,
    replyMapping: "legacy",
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    // Only so that every promise settles, and a peer that went without a word is noticed: our own deadline comes first.
    commandTimeout: 3 * commandTimeoutMs,
    socketTimeout: 4 * commandTimeoutMs,
    keepAlive: 5000,
    enableReadyCheck: true,
    maxLoadingRetryTime: 1000,
    disableClientInfo: true,
    reconnectOnError,
    // Full jitter: after an outage the pods come back spread over the whole wait.
    retryStrategy: (times) =>
      FIRST_RETRY_MS + Math.random() * (Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** times) - FIRST_RETRY_MS),
  };
}

function closed(isSent = false): RouteError {
  return new RouteError("CLOSED", "the session store is closed", { outcome: isSent ? "unknown" : "not-applied" });
}
