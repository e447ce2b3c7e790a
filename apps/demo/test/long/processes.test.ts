import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { DemoProcess, lives } from "../support/demo-process.ts";
import { Users, uidsOf } from "../support/users.ts";

const { start, endAll } = DemoProcess.several();
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterEach(endAll);
afterAll(() => redis.end());

const gatewayOf = async (demo: DemoProcess): Promise<string> => {
  const [, port = ""] = await demo.says(/gateway +http:\/\/localhost:(\d+)/);
  await demo.says(/Ctrl-C drains/);
  return `http://127.0.0.1:${port}`;
};
/** Connections to the server, but for the harness's. */
const connections = async (): Promise<number> => {
  const list = String(await redis.cli("CLIENT", "LIST"));
  return list.split("\n").filter((line) => line.includes("id=") && !line.includes("name=harness")).length;
};
const noneLeft = (pids: Iterable<number>, withinMs: number): Promise<void> =>
  vi.waitFor(() => expect([...pids].filter(lives)).toEqual([]), withinMs);
const endedWithin = async (demo: DemoProcess, withinMs: number): Promise<number | undefined> => {
  const asked = performance.now();
  const code = await demo.ended();
  expect(performance.now() - asked).toBeLessThan(withinMs);
  return code;
};

describe("npm start -- --redis", () => {
  it("kill -9 of a pod: it is said, its users come back with their state, nobody else notices; Ctrl-C ends all within 5 s", async () => {
    const demo = start({ PORT: "0" }, ["--redis"]);
    const users = new Users(await gatewayOf(demo), 8);
    onTestFinished(() => users[Symbol.asyncDispose]());
    const pids = demo.pids();
    expect([...pids.keys()]).toEqual(["gateway", "room-0", "room-1", "room-2"]);
    const [, redisPort] = await demo.says(/a Redis of its own at redis:\/\/127\.0\.0\.1:(\d+)/);

    const uids = uidsOf(30);
    await users.run(uids, 2 * uids.length, 8);
    expect(users.refused).toEqual([]);
    const podOf = new Map(users.acknowledged.map(({ uid, pod }) => [uid, pod]));
    expect([...users.podsByUid().values()].every((pods) => pods.size === 1)).toBe(true);

    const [uid = "", dead = 0] = [...podOf][0] ?? [];
    const deadPid = pids.get(`room-${dead}`) ?? 0;
    process.kill(deadPid, "SIGKILL");
    await demo.says(new RegExp(`room-${dead} \\(pid ${deadPid}\\) is gone: SIGKILL`));
    const others = uids.filter((other) => podOf.get(other) !== dead);
    await vi.waitFor(
      async () => {
        await users.run(others, others.length, 4);
        expect(await users.increment(uid, "after")).toMatchObject({ count: 3 });
      },
      { timeout: 30_000, interval: 500 },
    );
    expect(users.refused.filter((attempt) => others.includes(attempt.uid))).toEqual([]);
    expect((await users.increment(uid, "after"))?.count).toBe(3);

    demo.signal("SIGINT");
    expect(await endedWithin(demo, 5000)).toBe(0);
    expect(demo.output).toContain("Ended.");
    await noneLeft(pids.values(), 0);
    await expect(fetch(`http://127.0.0.1:${redisPort}`)).rejects.toThrow();
  }, 60_000);

  it("together with a REDIS_URL is refused: it is one or the other", async () => {
    const demo = start({ PORT: "0", REDIS_URL: redis.url }, ["--redis"]);
    expect(await demo.ended()).toBe(1);
    expect(demo.output).toContain("demo.ownRedis: there is a REDIS_URL");
  });

  it("an argument that nobody knows is refused", async () => {
    const demo = start({ PORT: "0" }, ["--reddis"]);
    expect(await demo.ended()).toBe(1);
    expect(demo.output).toContain("unknown option '--reddis'");
  });
});

describe("npm start with REDIS_URL", () => {
  it("however the demo ends, no process of it is left", async () => {
    const demo = start({ REDIS_URL: redis.url }, ["--port", "0", "--pods", "2"]);
    await gatewayOf(demo);
    expect(demo.output).toContain(`each a process, on the Redis at redis://127.0.0.1:${redis.port}`);
    const pids = demo.pids();
    expect(pids.size).toBe(3);
    expect([...pids.values()].every(lives)).toBe(true);
    demo.signal("SIGKILL");
    await noneLeft(pids.values(), 8000);
    await vi.waitFor(async () => expect(await connections()).toBe(0), 20_000);
  });

  it("a pod that answers nothing holds Ctrl-C up for less than 5 s", async () => {
    const demo = start({ PORT: "0", PODS: "2", REDIS_URL: redis.url });
    await gatewayOf(demo);
    const pids = demo.pids();
    process.kill(pids.get("room-1") ?? 0, "SIGSTOP");
    demo.signal("SIGTERM");
    expect(await endedWithin(demo, 5000)).toBe(0);
    await noneLeft(pids.values(), 0);
  });

  it("without its gateway it says so and ends; a second Ctrl-C hurries", async () => {
    const demo = start({ PORT: "0", PODS: "1", REDIS_URL: redis.url });
    await gatewayOf(demo);
    const pids = demo.pids();
    process.kill(pids.get("gateway") ?? 0, "SIGKILL");
    await demo.says(/gateway \(pid \d+\) is gone: SIGKILL; nothing can be reached any more/);
    await demo.says(/Draining/);
    demo.signal("SIGINT");
    expect(await endedWithin(demo, 3000)).toBe(1);
    await noneLeft(pids.values(), 0);
  });

  it("a port that is taken is said, and nothing stays", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void taken.close());
    await vi.waitFor(() => expect(taken.listening).toBe(true), 20_000);
    const demo = start({ PORT: String((taken.address() as AddressInfo).port), PODS: "1", REDIS_URL: redis.url });
    expect(await demo.ended()).toBe(1);
    expect(demo.output).toContain("EADDRINUSE");
    expect(demo.output).toContain("gateway ended before it listened: exit code 1");
    await vi.waitFor(async () => expect(await connections()).toBe(0), 20_000);
  });

  it("a Redis that does not answer is said, the password isn't, and Ctrl-C ends it all the same", async () => {
    const demo = start({ PORT: "0", PODS: "1", REDIS_URL: "redis://:hunter2@127.0.0.1:1" });
    await gatewayOf(demo);
    expect(demo.output).toContain("The gateway routes nobody yet: the store can't be reached");
    const pids = demo.pids();
    demo.signal("SIGINT");
    expect(await endedWithin(demo, 5000)).toBe(0);
    await noneLeft(pids.values(), 0);
    expect(demo.output).not.toContain("hunter2");
  });
});
