import { startFaultProxies } from "@podlink/testkit";
import type { RedisSentinels } from "@podlink/testkit/redis";
import { startSentinels } from "@podlink/testkit/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, failureOf, increment, openConnection } from "../support/connections.ts";

let redis: RedisSentinels;
beforeAll(async () => void (redis = await startSentinels()));
afterAll(() => redis.end());

const options = () => ({ sentinels: { name: redis.name, nodes: redis.addresses } });

test("the primary is found, and another one after a failover: another life, and a gap for whoever listens", async () => {
  const { connection, events } = openConnection(options());
  expect(await connection.run(increment, ["k"], [])).toBe(1);
  expect(connection.kind).toBe("sentinel");
  const heard: string[] = [];
  await connection.subscribe(
    "news",
    (message) => void heard.push(message),
    () => void heard.push("gap"),
  ).effective;
  const next = await redis.failover();
  await eventually("an answer of the new primary", async () => {
    await connection.run(increment, ["k"], []);
    return Number(await next.cli("GET", "k")) >= 2;
  });
  expect(connection.epoch()).toBe(2);
  expect(events).toContainEqual({ kind: "epoch", epoch: 2 });
  await eventually("a gap", () => heard.includes("gap"));
  await next.cli("PUBLISH", "news", "m");
  await eventually("heard", () => heard.includes("m"));
});

test("a killed primary: calls settle in time, and go on with the promoted one", async () => {
  const { connection } = openConnection({ ...options(), commandTimeoutMs: 200 });
  await connection.whenReady(20_000);
  const promoting = redis.failover({ kill: true });
  await eventually("a failure", async () => {
    const { error, tookMs } = await failureOf(() => connection.run(increment, ["k"], []));
    expect(["STORE_UNAVAILABLE", "TIMEOUT"]).toContain(error.code);
    expect(tookMs).toBeLessThan(1500);
    return true;
  });
  await promoting;
  await eventually("an answer", () => connection.run(increment, ["k"], []));
  for (const server of redis.servers) if (server.pid === undefined) await server.restart();
  await redis.whenFollowing();
});

test("news of a failover while a Sentinel is still being asked for the primary: the promoted one is found all the same", async () => {
  await using lines = await startFaultProxies(redis.addresses);
  const told = (what: string) =>
    lines.all.map((line) =>
      line.add({ fault: "delay", ms: 0, direction: "toClient", times: 1, bytes: (chunk) => chunk.includes(what) }),
    );
  const listening = told("+switch-master");
  const { connection } = openConnection({ sentinels: { name: redis.name, nodes: lines.addresses } });
  await connection.whenReady(20_000);
  await Promise.all(listening.map((rule) => rule.whenFired()));
  const before = connection.epoch();
  // They are slow to answer who asks, and tell their news all the same.
  const isQuestion = (chunk: Buffer) => chunk.includes("get-master-addr-by-name");
  const asked = lines.all.map((line) => line.add({ fault: "blackhole", direction: "toServer", bytes: isQuestion }));
  const news = told("+switch-master");
  const promoting = redis.failover({ kill: true });
  await Promise.any(asked.map((rule) => rule.whenFired()));
  await Promise.any(news.map((rule) => rule.whenFired()));
  lines.heal();
  await eventually("an answer", () => connection.run(increment, ["k"], []));
  expect(connection.epoch()).toBe(before + 1);
  await promoting;
  for (const server of redis.servers) if (server.pid === undefined) await server.restart();
  await redis.whenFollowing();
});

test("a primary that was only stopped: whoever listened to it hears of the gap as soon as another one answers", async () => {
  const { connection } = openConnection({ ...options(), commandTimeoutMs: 200 });
  await connection.whenReady(20_000);
  let gapAt = Infinity;
  await connection.subscribe(
    "news",
    () => undefined,
    () => void (gapAt = performance.now()),
  ).effective;
  const old = await redis.primary();
  old.stop();
  await eventually("another life", () => connection.epoch() === 2);
  const answeredAt = performance.now();
  await eventually("a gap", () => gapAt < Infinity);
  expect(gapAt - answeredAt).toBeLessThan(1500);
  old.cont();
  await redis.whenFollowing();
});

test("a server that was demoted without a word is left at its first refusal, and the write is not repeated there", async () => {
  const { connection } = openConnection(options());
  await connection.whenReady(20_000);
  const primary = await redis.primary();
  await primary.cli("REPLICAOF", "127.0.0.1", 1);
  const { error } = await failureOf(() => connection.run(increment, ["readonly"], []));
  expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied" });
  await primary.cli("REPLICAOF", "NO", "ONE");
  await eventually("an answer", () => connection.run(increment, ["k"], []));
});

test("without Sentinels the present primary is kept", async () => {
  const { connection } = openConnection(options());
  await connection.whenReady(20_000);
  await Promise.all(redis.sentinels.map((sentinel) => sentinel.kill9()));
  expect(typeof (await connection.run(increment, ["k"], []))).toBe("number");
  const { connection: second } = openConnection({ ...options(), commandTimeoutMs: 200 });
  const { error } = await failureOf(() => second.run(increment, ["k"], []));
  expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied" });
  expect(error.message).toContain("no Sentinel answers");
  await Promise.all(redis.sentinels.map((sentinel) => sentinel.restart()));
  await eventually("an answer", () => second.run(increment, ["k"], []));
});
