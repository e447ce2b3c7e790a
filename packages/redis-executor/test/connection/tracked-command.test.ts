import { Redis } from "ioredis";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { TrackedCommand } from "../../src/connection/tracked-command.ts";

let redis: RedisServer;
beforeAll(async () => void (redis = await startRedis()));
afterAll(() => redis.end());

/** With an offline queue, as the nodes of a Cluster client and clients of others have. */
function clientOf(): Redis {
  const client = new Redis({ host: redis.host, port: redis.port, lazyConnect: true, enableOfflineQueue: true });
  onTestFinished(() => client.disconnect());
  return client;
}

const answerOf = (command: TrackedCommand, client: Parameters<TrackedCommand["send"]>[0]): Promise<unknown> =>
  new Promise((answered, failed) => command.send(client, { answered, failed }));

test("one that was given up in a queue is never executed, and the answers stay in step", async () => {
  const client = clientOf();
  const abandoned = new TrackedCommand("incr", ["queued"]);
  const kept = new TrackedCommand("incr", ["kept"]);
  const answers = [answerOf(abandoned, client), answerOf(kept, client)];
  expect([abandoned.mayHaveRun, kept.mayHaveRun]).toEqual([false, false]);
  abandoned.abandon();
  await client.connect().catch(() => undefined);
  expect((await Promise.all(answers))[1]).toBe(1);
  expect([abandoned.mayHaveRun, kept.mayHaveRun]).toEqual([false, true]);
  expect(await redis.cli("GET", "queued")).toBeUndefined();
  expect(await client.get("kept")).toBe("1");
});

test("one that was written may have run, until Redis says that it did not", async () => {
  const client = clientOf();
  const command = new TrackedCommand("evalsha", ["f".repeat(40), "0"], { isRedirected: true });
  expect(command.mayHaveRun).toBe(false);
  let mayHaveRun: boolean | undefined;
  const answer = answerOf(command, {
    sendCommand() {
      // As a Cluster client does, to send it elsewhere.
      const { reject } = command;
      command.reject = (error) => {
        mayHaveRun = command.mayHaveRun;
        reject.call(command, error);
      };
      return client.sendCommand(command);
    },
  });
  await expect(answer).rejects.toThrow("NOSCRIPT");
  expect(mayHaveRun, "before it is sent elsewhere").toBe(false);
});
