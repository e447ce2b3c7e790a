import { startRedis } from "@podlink/testkit/redis";
import { afterAll, expect, test } from "vitest";
import { heartbeat, podReport, registration } from "./pod-report.ts";
import { connectTo, podsStore, randomPrefix } from "./pods-store.ts";
import { podKeys } from "../../src/pods/service-keys.ts";

const redis = await startRedis();
const connection = connectTo(redis);
afterAll(async () => {
  await connection.close();
  await redis.end();
});

/** Pods 0 and 1 of a service, and a clock that is set. */
async function givenTwo() {
  const time = { nowMs: 1_700_000_000_000 };
  const store = podsStore({ connection, prefix: randomPrefix(), nowMs: () => time.nowMs });
  const meta = podKeys(store.prefix, { namespace: "prod", service: "room" })[3]!;
  const numbers = [0, 0];
  const incarnations: number[] = [];
  for (const podIndex of [0, 1]) {
    const result = await store.register(registration({ podIndex }));
    incarnations.push(result.registered ? result.incarnation : 0);
  }
  /** Whether the pod's next report says that it writes. */
  const writes = async (podIndex: number, report = podReport()): Promise<boolean | undefined> => {
    const reportNumber = (numbers[podIndex] = numbers[podIndex]! + 1);
    const answer = await store.report(heartbeat(incarnations[podIndex]!, { podIndex, reportNumber, report }));
    return answer.accepted ? answer.writesWorkload : undefined;
  };
  const writer = () => redis.cli("HGET", meta, "writer");
  return { store, time, meta, incarnations, writes, writer };
}

test("who writes the workload state stands in meta, by its own reports alone", async () => {
  const { time, writes, writer } = await givenTwo();
  expect(await writer()).toBeUndefined();
  await writes(0, podReport({ leaseMs: 7000 }));
  expect(await writer()).toBe("0 1700000000000 7000");
  time.nowMs += 6000;
  await writes(1);
  expect(await writer()).toBe("0 1700000000000 7000");
  await writes(0);
  expect(await writer()).toBe("0 1700000006000 10000");
});

test("a clock that steps back proves nothing: the next that reports takes it, the lower one takes it back", async () => {
  const { time, writes } = await givenTwo();
  await writes(0);
  time.nowMs -= 1;
  expect(await writes(1)).toBe(true);
  expect(await writes(0)).toBe(true);
  expect(await writes(1)).toBe(false);
});

test.each(["", "0", "0 x 1", "0 1700000000000", "-1 1700000000000 10000"])(
  "what can't be read there names nobody: %j",
  async (text) => {
    const { meta, writes } = await givenTwo();
    await redis.cli("HSET", meta, "writer", text);
    expect(await writes(1)).toBe(true);
    expect(await writes(0)).toBe(true);
    expect(await writes(1)).toBe(false);
  },
);

test("a full Redis keeps nobody from taking it over, nor from giving it up", async () => {
  const { store, incarnations, writes, writer } = await givenTwo();
  await redis.config("maxmemory", 1);
  try {
    expect(await writes(1)).toBe(true);
    expect(await writes(0)).toBe(true);
    expect(await writes(0, podReport({ serviceState: "Failed" }))).toBe(false);
    expect(await writer()).toBeUndefined();
    expect(await writes(1)).toBe(true);
    await store.leave({ namespace: "prod", service: "room", podIndex: 1, incarnation: incarnations[1]! });
    expect(await writer()).toBeUndefined();
  } finally {
    await redis.config("maxmemory", 0);
  }
});
