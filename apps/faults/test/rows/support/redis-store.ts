import type { RedisExecutorOptions } from "@podlink/redis-executor";
import { RedisExecutor } from "@podlink/redis-executor";
import type { GetOp, SetIfAbsentOp, SetOp } from "@podlink/types";
import { RouteError } from "@podlink/types";

export const NAMESPACE = "prod";
export const SERVICE = "room";

export const at = (uid: string): { namespace: string; service: string; uid: string } => ({
  namespace: NAMESPACE,
  service: SERVICE,
  uid,
});
export const set = (uid: string, podIndex = 0): SetOp => ({
  kind: "set",
  ...at(uid),
  owner: { podIndex },
  lifetime: { ttlMs: 60_000 },
});
export const claim = (uid: string, podIndex = 0): SetIfAbsentOp => ({
  kind: "setIfAbsent",
  ...at(uid),
  owner: { podIndex, incarnation: 7 },
  lifetime: "persistent",
});
export const read = (uid: string): GetOp => ({ kind: "get", ...at(uid) });
export const uids = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${name}-${index}`);

/** A store that is connected and may use the namespace; for `await using`. */
export async function openStore(options: RedisExecutorOptions): Promise<RedisExecutor> {
  const store = new RedisExecutor(options);
  try {
    await store.init([NAMESPACE], { timeoutMs: 10_000 });
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What a call rejects with, and how long it took. @throws Error when it doesn't, or with something else */
export async function failureOf(call: () => Promise<unknown>): Promise<{ error: RouteError; tookMs: number }> {
  const startedAtMs = performance.now();
  try {
    await call();
  } catch (error) {
    if (RouteError.is(error)) return { error, tookMs: performance.now() - startedAtMs };
    throw error;
  }
  throw new Error("the call did not fail");
}
