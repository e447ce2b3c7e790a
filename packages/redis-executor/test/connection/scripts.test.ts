import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { missingPermission, refusedCommandOf, runSelfTest } from "../../src/connection/self-test.ts";
import { failureOf, increment, openConnection, script } from "../support/connections.ts";

let redis: RedisServer;
beforeAll(async () => void (redis = await startRedis()));
afterAll(() => redis.end());

const callsOf = async (command: string): Promise<number> =>
  Number(/calls=(\d+)/.exec((await redis.info("commandstats"))[`cmdstat_${command}`] ?? "calls=0")?.[1]);

test("a script is sent whole once, and by its hash from then on", async () => {
  const { connection } = openConnection({ url: redis.url });
  await redis.cli("SCRIPT", "FLUSH");
  await redis.cli("CONFIG", "RESETSTAT");
  for (let call = 1; call <= 5; call += 1) expect(await connection.run(increment, ["once"], [])).toBe(call);
  expect([await callsOf("eval"), await callsOf("evalsha")]).toEqual([1, 5]);
});

test("SCRIPT FLUSH under load loses no call and doubles none", async () => {
  const { connection } = openConnection({ url: redis.url });
  let isDone = false;
  const flushing = (async () => {
    while (!isDone) await redis.cli("SCRIPT", "FLUSH");
  })();
  const calls = Array.from({ length: 2000 }, async (_, index) => {
    await new Promise((resolve) => setTimeout(resolve, index % 50));
    return connection.run(increment, ["flushed"], []);
  });
  await Promise.all(calls);
  isDone = true;
  await flushing;
  expect(await redis.cli("GET", "flushed")).toBe("2000");
});

test("keys, arguments of text and numbers, and answers arrive as they are", async () => {
  const { connection } = openConnection({ url: redis.url });
  const echo = script("echo", "return { KEYS[1], KEYS[2], ARGV[1], ARGV[2], #ARGV }");
  expect(await connection.run(echo, ["ключ", "k2"], ["a\r\nb", 42])).toEqual(["ключ", "k2", "a\r\nb", "42", 2]);
  expect(await connection.command("h", "HSET", "f", 1)).toBe(1);
  expect(await connection.command("h", "HGET", "f")).toBe("1");
});

test("a broken script is INTERNAL, with its line and nothing of the call", async () => {
  const { connection } = openConnection({ url: redis.url });
  const broken = script("broken", "local x\nredis.call('INCR', KEYS[1])\nreturn x.y .. ARGV[1]");
  const { error } = await failureOf(() => connection.run(broken, ["user-4711"], ["NOSCRIPT s3cret"]));
  expect(error).toMatchObject({ code: "INTERNAL", outcome: "unknown" });
  expect(error.message).toBe("script broken: Redis answered ERR at line 3 of the script");
  expect(await redis.cli("GET", "user-4711")).toBe("1"); // not executed twice for its argument
});

test("a missing permission inside a script is named by the line where it was refused", async () => {
  await redis.acl("few", "on", ">pw", "~*", "&*", "-@all", "+evalsha", "+eval", "+get", "+info", "+ping");
  const { connection } = openConnection({ url: redis.url, username: "few", password: "pw" });
  const writes = script("writes", `redis.call("GET", KEYS[1])\nredis.call("SET", KEYS[1], "1")`);
  const { error } = await failureOf(() => connection.run(writes, ["k"], []));
  expect(error).toMatchObject({ code: "PERMISSION_DENIED", retryable: false });
  expect(error.message).toContain("script writes: the Redis user lacks +set");
  const plain = await failureOf(() => connection.command("k", "DEL"));
  expect(plain.error).toMatchObject({ code: "PERMISSION_DENIED", outcome: "not-applied" });
});

test("fault 4: a self-test says ok, what it was refused, or raises it: a broken script fails the start", async () => {
  const answering = (answer: string): Parameters<typeof runSelfTest>[1] => ({
    script: script("tested", `return ${answer}`),
    keys: ["k"],
    args: ["self-test"],
  });
  const { connection } = openConnection({ url: redis.url });
  await runSelfTest(connection, answering(`{ "ok" }`));
  const refused = await failureOf(() =>
    runSelfTest(
      connection,
      answering(`{ "refused", "HSET", "ERR The user executing the script can't run this command" }`),
    ),
  );
  expect(refused.error).toMatchObject({ code: "PERMISSION_DENIED" });
  expect(refused.error.message).toContain("+hset");
  const full = await failureOf(() =>
    runSelfTest(connection, answering(`{ "refused", "HSET", "OOM command not allowed" }`)),
  );
  expect(full.error.code).toBe("STORE_UNAVAILABLE");
  const odd = await failureOf(() => runSelfTest(connection, answering("1")));
  expect(odd.error.code).toBe("INTERNAL");
});

test("a refused line without a command is told as such", () => {
  const one = script("one", "local call = redis.call\ncall('X')");
  expect(refusedCommandOf(one, "ERR ... script: f00, on @user_script:2.")).toBeUndefined();
  expect(refusedCommandOf(one, "ERR ...")).toBeUndefined();
  expect(missingPermission(one, undefined).message).toContain("one of its commands");
});
