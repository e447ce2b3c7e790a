import { faultRow } from "@podlink/faults";
import { RedisExecutor } from "@podlink/redis-executor";
import { recordingLogger } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import type { RouteError } from "@podlink/types";
import { expect, onTestFinished, vi } from "vitest";
import { startPod } from "./support/redis-pods.ts";
import { claim, failureOf, NAMESPACE, openStore, read } from "./support/redis-store.ts";

/** What the README lists as enough, without what makes and keeps a connection. */
const COMMANDS =
  "+eval +evalsha +hget +hmget +hgetall +hset +hsetnx +hdel +hlen +hvals +hincrby +hexists +set +get +mget +del +zadd " +
  "+zrem +zcard +zcount +zrangebyscore +time +type +incr +pexpire +pexpireat +persist +pttl +publish +subscribe " +
  "+unsubscribe +ping +info +client|setname";
const KEYS = [`~pl:{${NAMESPACE}/*`, `~pl:{${NAMESPACE}}:*`];
const CHANNELS = [`&pl:{${NAMESPACE}/*`];

async function allow(redis: RedisServer, ...more: string[]): Promise<void> {
  await redis.acl("app", "reset", "on", ">pw", ...KEYS, ...CHANNELS, "-@all", ...COMMANDS.split(" "), ...more);
}

/** What a process hears at its start; undefined: it may begin. */
async function startOf(redis: RedisServer): Promise<RouteError | undefined> {
  const url = `redis://127.0.0.1:${redis.port}`;
  const store = new RedisExecutor({ url, username: "app", password: "pw" });
  try {
    await store.init([NAMESPACE], { timeoutMs: 5000 });
    return undefined;
  } catch (error) {
    return error as RouteError;
  } finally {
    await store.close();
  }
}

/** All but what the namespace itself writes down. */
async function written(redis: RedisServer): Promise<string[]> {
  return ((await redis.cli("KEYS", "*")) as string[]).filter((key) => key !== `pl:{${NAMESPACE}}:meta`);
}

faultRow(
  32,
  "each command that scripts use is named at start when it is missing, and nothing is written",
  async (row) => {
    await using redis = await startRedis();
    const server = row.server(redis);
    await allow(redis);
    expect(await startOf(redis)).toBeUndefined();
    const inScripts = "hget hmget hgetall hset hsetnx hdel zadd zrem zcount zrangebyscore time pexpireat publish".split(
      " ",
    );
    for (const command of inScripts) {
      await allow(server, `-${command}`);
      const error = await row.request(() => startOf(redis));
      expect(error, command).toMatchObject({ code: "PERMISSION_DENIED" });
      expect(error?.message.toLowerCase(), command).toMatch(new RegExp(`(?:^|\\+)${command}\\b`));
      expect(await written(redis), command).toEqual([]);
    }
    await allow(redis);
    expect(await startOf(redis)).toBeUndefined();
    row.saw(`${inScripts.length} commands, each named; no key written`);
  },
);

faultRow(32, "a key or a channel that isn't permitted is found at start, and nothing is written", async (row) => {
  await using redis = await startRedis();
  const server = row.server(redis);
  const rules: readonly (readonly [what: string, keys: readonly string[], channels: readonly string[]])[] = [
    ["links and pods", [KEYS[1] ?? ""], CHANNELS],
    ["the namespace's own", [KEYS[0] ?? ""], CHANNELS],
    ["channels", KEYS, []],
  ];
  for (const [what, keys, channels] of rules) {
    await server.acl(
      "app",
      "reset",
      "on",
      ">pw",
      ...keys,
      "resetchannels",
      ...channels,
      "-@all",
      ...COMMANDS.split(" "),
    );
    const error = await row.request(() => startOf(redis));
    expect(error, what).toMatchObject({ code: "PERMISSION_DENIED" });
    expect(error?.message, what).toMatch(/lacks/);
    expect(await written(redis), what).toEqual([]);
  }
  await using refused = new RedisExecutor({ url: `redis://127.0.0.1:${redis.port}`, username: "app", password: "pw" });
  expect((await row.request(() => failureOf(() => refused.execute(claim("ann"))))).error.code).toBe(
    "PERMISSION_DENIED",
  );
  expect(await written(redis)).toEqual([]);
  await allow(redis);
  expect(await startOf(redis)).toBeUndefined();
  row.saw("keys and channels: PERMISSION_DENIED at start, no key written");
});

faultRow(33, "a rotated password is asked for again, and nobody who is in notices", async (row) => {
  let password = "first";
  await using redis = await startRedis();
  await redis.acl("app", "on", ">first", "~*", "&*", "+@all");
  const options = { url: `redis://127.0.0.1:${redis.port}`, username: "app", password: () => password };
  await using store = await openStore(options);
  await using owner = await startPod(0, { redis: options });
  const { driver } = owner.pod;
  await vi.waitFor(async () => expect((await driver.guard("ann")).ok).toBe(true), 5000);
  const incarnation = owner.pod.identity?.incarnation;
  const server = row.server(redis);
  password = "second";
  await server.acl("app", "resetpass", ">second");
  expect(await row.request(() => store.execute(claim("bob")))).toMatchObject({ created: true });
  await server.cli("CLIENT", "KILL", "USER", "app");
  await vi.waitFor(async () => expect(await row.request(() => store.execute(read("bob")))).toBeDefined(), 10_000);
  expect(store.epoch()).toBe(1);
  await vi.waitFor(() => expect(owner.pod.health()).toEqual({ healthy: true }), 5000);
  expect(await driver.guard("ann")).toMatchObject({ ok: true });
  expect(owner.pod.identity?.incarnation).toBe(incarnation);
  row.saw("back under the new secret within the lease: the same incarnation");
});

faultRow(33, "a secret that is wrong, a user that is off or gone: visible, and over when it is mended", async (row) => {
  const rules = ["on", ">first", "~*", "&*", "+@all"];
  await using redis = await startRedis();
  await redis.acl("app", ...rules);
  const logger = recordingLogger();
  const url = `redis://127.0.0.1:${redis.port}`;
  await using store = await openStore({ url, username: "app", password: "first", commandTimeoutMs: 200, logger });
  const unhealthy: string[] = [];
  const watching = store.watchStore((event) => {
    if (event.kind === "health" && event.health.reason !== undefined) unhealthy.push(event.health.reason);
  });
  onTestFinished(() => watching.close());
  const server = row.server(redis);
  const faults: readonly (readonly [what: string, act: () => Promise<unknown>])[] = [
    ["another password", () => server.acl("app", "resetpass", ">second")],
    ["off", () => server.acl("app", "off")],
    ["deleted", () => server.cli("ACL", "DELUSER", "app")],
  ];
  for (const [what, act] of faults) {
    await act();
    await redis.cli("CLIENT", "KILL", "USER", "app").catch(() => undefined); // who is deleted is out already
    await vi.waitFor(async () => {
      const { error } = await row.request(() => failureOf(() => store.execute(read("ann"), { timeoutMs: 500 })));
      expect(error, what).toMatchObject({ code: "UNAUTHENTICATED", outcome: "not-applied" });
    }, 10_000);
    expect(store.health(), what).toMatchObject({ healthy: false });
    expect(store.health().reason, what).toContain("WRONGPASS");
    await redis.acl("app", "reset", ...rules);
    await vi.waitFor(async () => expect(await store.execute(read("ann"))).toBeUndefined(), 10_000);
    expect(store.health(), what).toEqual({ healthy: true });
  }
  expect(unhealthy.length).toBeGreaterThanOrEqual(faults.length);
  expect(JSON.stringify(logger.entries)).not.toMatch(/first|second/);
  row.saw("3 faults: UNAUTHENTICATED and not healthy (WRONGPASS), back by itself each time");
});
