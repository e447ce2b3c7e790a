import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { RecordingLogger } from "@podlink/testkit";
import { Lateness, recordingLogger } from "@podlink/testkit";
import type { StoreEvent } from "@podlink/types";
import { RouteError, systemClock } from "@podlink/types";
import { onTestFinished } from "vitest";
import type { Script } from "../../src/connection/ports.ts";
import { RedisConnection } from "../../src/connection/redis-connection.ts";
import type { RedisExecutorOptions } from "../../src/index.ts";
import { parseRedisOptions } from "../../src/options.ts";
import { TimerWheel } from "../../src/timer-wheel.ts";

export interface OpenedConnection {
  readonly connection: RedisConnection;
  readonly logger: RecordingLogger;
  readonly events: StoreEvent[];
}

/** Where no test waits for it: far above what a call takes on a busy machine. */
export const PATIENT = { commandTimeoutMs: 10_000 };

/** A connection of its own for a test, closed at its end. Its commands are patient, unless the test says otherwise. */
export function openConnection(options: RedisExecutorOptions): OpenedConnection {
  const logger = recordingLogger();
  const connection = new RedisConnection({
    settings: parseRedisOptions({ ...PATIENT, ...options }),
    clock: systemClock,
    wheel: new TimerWheel(systemClock),
    logger,
  });
  onTestFinished(() => connection.close());
  const events: StoreEvent[] = [];
  connection.watch((event) => void events.push(event));
  return { connection, logger, events };
}

export const script = (name: string, source: string): Script => ({
  name,
  source,
  sha: createHash("sha1").update(source).digest("hex"),
});

export const increment: Script = script("increment", `return redis.call("INCR", KEYS[1])`);

/** What a call rejects with, and how long it took, without what a busy machine took from this process. */
export async function failureOf(call: () => Promise<unknown>): Promise<{ error: RouteError; tookMs: number }> {
  const startedAt = performance.now();
  using lateness = new Lateness();
  try {
    await call();
  } catch (error) {
    if (RouteError.is(error)) return { error, tookMs: performance.now() - startedAt - lateness.totalMs };
    throw error;
  }
  throw new Error("the call did not fail");
}

/** Asks again until it holds; a condition that throws does not hold yet. */
export async function eventually(what: string, holds: () => unknown, withinMs = 20_000): Promise<void> {
  const endsAt = performance.now() + withinMs;
  for (;;) {
    try {
      if (await holds()) return;
    } catch {
      // not yet
    }
    if (performance.now() > endsAt) throw new Error(`${what}: not within ${withinMs} ms`);
    await setTimeout(10);
  }
}
