import type { RedisServer } from "./redis-server.ts";

/** Starts several at once; when one fails, those that started are ended. */
export async function startAll(count: number, start: (index: number) => Promise<RedisServer>): Promise<RedisServer[]> {
  const settled = await Promise.allSettled(Array.from({ length: count }, (_, index) => start(index)));
  const started = settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = settled.find((result) => result.status === "rejected");
  if (failed === undefined) return started;
  await endAll(started);
  throw failed.reason;
}

export async function endAll(servers: readonly RedisServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.end()));
}
