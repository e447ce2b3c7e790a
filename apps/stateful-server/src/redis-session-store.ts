import type { Fence } from "@podlink/sessions";
import { encodeKeyPart, RouteError, silentLogger, systemClock } from "@podlink/types";
import { loadAndRaise } from "./redis-session/load-and-raise.ts";
import type { RedisSessionOptions } from "./redis-session/options.ts";
import { parseRedisSessionOptions } from "./redis-session/options.ts";
import { ScriptRunner } from "./redis-session/script-runner.ts";
import { argumentsOf, sessionOf } from "./redis-session/session-hash.ts";
import { write } from "./redis-session/write.ts";
import type { Refused, SessionStore, SessionWrite, StoredSession } from "./session-store.ts";

/**
 * A session store on Redis: one key a uid, each method one script. Every call settles within `commandTimeoutMs`. A call that
 * fails may be made again: loading twice is loading once, and a write that was done already is "behind".
 */
export class RedisSessionStore implements SessionStore, AsyncDisposable {
  readonly #scripts: ScriptRunner;
  readonly #keyStart: string;
  readonly #ttl: string;

  /** Connecting begins at once; where Redis doesn't answer, calls fail with STORE_UNAVAILABLE until it does. @throws RouteError CONFIG */
  constructor(options: RedisSessionOptions) {
    const { clock = systemClock, logger = silentLogger, ...rest } = options;
    const settings = parseRedisSessionOptions(rest);
    const { prefix, namespace, service, ttlMs } = settings;
    this.#keyStart = `${prefix}:${encodeKeyPart(namespace)}/${encodeKeyPart(service)}/`;
    this.#ttl = ttlMs === undefined ? "" : String(ttlMs);
    this.#scripts = new ScriptRunner(settings, { clock, logger });
  }

  async loadAndRaise(uid: string, { token, holder }: Fence): Promise<{ readonly session: StoredSession } | Refused> {
    const reply = await this.#scripts.run(loadAndRaise, this.#keyOf(uid), [token, holder, this.#ttl]);
    const [code, value] = reply as [string, string | string[]];
    if (code === "loaded") return { session: sessionOf(value as string[]) };
    if (code === "refused") return { refused: String(value) };
    throw unknownReply(loadAndRaise.name);
  }

  async write(uid: string, { token, holder }: Fence, written: SessionWrite): Promise<"written" | "behind" | Refused> {
    const args = [token, holder, this.#ttl, ...argumentsOf(written)];
    const [code, value] = (await this.#scripts.run(write, this.#keyOf(uid), args)) as [string, string?];
    if (code === "written" || code === "behind") return code;
    if (code === "refused") return { refused: String(value) };
    throw unknownReply(write.name);
  }

  /** Ends the connection. Calls after it fail with CLOSED. Idempotent. */
  async close(): Promise<void> {
    this.#scripts.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #keyOf(uid: string): string {
    return this.#keyStart + encodeKeyPart(uid);
  }
}

function unknownReply(name: string): RouteError {
  return new RouteError("INTERNAL", `the script ${name} gave an answer that nobody knows`, { outcome: "unknown" });
}
