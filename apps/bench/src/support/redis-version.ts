import { startRedis } from "@podlink/testkit/redis";

/** Of the server that figures are measured on. */
export async function redisVersion(): Promise<string> {
  await using server = await startRedis();
  return (await server.info("server"))["redis_version"] ?? "unknown";
}
