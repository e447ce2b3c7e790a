import { setTimeout } from "node:timers/promises";
import { defer } from "@podlink/types";
import { startFaultProxy } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { eventually, failureOf, increment, openConnection } from "../support/connections.ts";

/** Far above every deadline here, far below a call that hangs: the machine may be busy. */
const IN_TIME_MS = 1500;

let redis: RedisServer;
beforeEach(async () => void (redis = await startRedis()));
afterEach(() => redis.end());

const urlOf = (port: number): string => `redis://127.0.0.1:${port}`;

describe("Redis that is down", () => {
  test("at start: calls fail in time, nothing is applied, and it connects when it is up", async () => {
    await redis.kill9();
    const { connection, logger } = openConnection({ url: redis.url, commandTimeoutMs: 500 });
    const { error, tookMs } = await failureOf(() => connection.run(increment, ["k"], []));
    expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied", retryable: true });
    expect(error.message).toContain(`ECONNREFUSED 127.0.0.1:${redis.port}`);
    expect(tookMs).toBeLessThan(IN_TIME_MS);
    expect(connection.health()).toMatchObject({ healthy: false });
    await redis.restart();
    await connection.whenReady(20_000);
    expect(connection.health()).toEqual({ healthy: true });
    expect(connection.epoch()).toBe(1); // nobody answered before
    expect(await connection.run(increment, ["k"], [])).toBe(1);
    expect(logger.of("error")).toEqual([]);
  });

  test("for a while: after a few calls the next are refused at once, and all returns by itself", async () => {
    const { connection } = openConnection({ url: redis.url, commandTimeoutMs: 50 });
    await connection.whenReady(20_000);
    await redis.kill9();
    await eventually("refused at once", async () => {
      const { error, tookMs } = await failureOf(() => connection.command("k", "get"));
      expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied" });
      return tookMs < 10;
    });
    await redis.restart();
    await connection.whenReady(20_000);
    expect(await connection.command("k", "get")).toBeNull(); // the first call already
  });

  test("a restarted server is another life: the epoch grows before anything is sent to it", async () => {
    const { connection, events } = openConnection({ url: redis.url });
    await connection.run(increment, ["k"], []);
    expect(connection.epoch()).toBe(1);
    await redis.restart();
    await eventually("an answer", async () => {
      const count = await connection.run(increment, ["k"], []);
      expect(connection.epoch()).toBe(2);
      return count === 1;
    });
    expect(events).toContainEqual({ kind: "epoch", epoch: 2 });
    expect(
      events.filter(({ kind }) => kind === "health").map((event) => event.kind === "health" && event.health.healthy),
    ).toEqual([true, false, true]);
  });

  test("a connection that was lost and made again to the same server is the same life", async () => {
    const { connection } = openConnection({ url: redis.url });
    await connection.whenReady(20_000);
    for (let kills = 0; kills < 3; kills += 1) {
      await redis.cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      await eventually("an answer", () => connection.run(increment, ["k"], []));
    }
    expect(connection.epoch()).toBe(1);
  });
});

describe("Redis that is stopped", () => {
  test("calls time out as unknown, later ones are refused at once; when it goes on, so does the connection", async () => {
    const { connection } = openConnection({ url: redis.url, commandTimeoutMs: 100 });
    await connection.whenReady(20_000);
    redis.stop();
    const first = await failureOf(() => connection.run(increment, ["k"], []));
    expect(first.error).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
    expect(first.tookMs).toBeLessThan(IN_TIME_MS);
    const calls = await Promise.all(
      Array.from({ length: 10 }, () => failureOf(() => connection.run(increment, ["k"], []))),
    );
    for (const { tookMs } of calls) expect(tookMs).toBeLessThan(IN_TIME_MS);
    const before = connection.read()["redisCalls"];
    const refused = await failureOf(() => connection.run(increment, ["k"], []));
    expect(refused.error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied" });
    expect(connection.read()["redisCalls"]).toBe(before); // nothing was sent, nothing was waited for
    expect(connection.health().healthy).toBe(false);
    redis.cont();
    await eventually("an answer", () => connection.run(increment, ["other"], []));
    await eventually("healthy", () => connection.health().healthy);
    expect(connection.epoch()).toBe(1);
  });

  test("calls that still wait when the next ones are refused, and are answered then, don't leave it unhealthy", async () => {
    const { connection } = openConnection({ url: redis.url, commandTimeoutMs: 500 });
    await connection.whenReady(20_000);
    const unhealthy = defer<void>();
    connection.watch((event) => {
      if (event.kind === "health" && !event.health.healthy) unhealthy.resolve();
    });
    let answered = 0;
    const traffic = setInterval(() => {
      connection.command("k", "get").then(
        () => (answered += 1),
        () => undefined,
      );
    }, 20);
    onTestFinished(() => clearInterval(traffic));
    await eventually("an answer", () => answered > 0);
    redis.stop();
    await unhealthy.promise; // those sent half a second ago got no answer; those sent since then wait
    answered = 0;
    redis.cont();
    await eventually("an answer", () => answered > 0);
    await eventually("healthy", () => connection.health().healthy, 10_000);
    expect(await connection.command("k", "get")).toBeNull();
  });

  test("a silent connection is found out by the health check, without any caller", async () => {
    const { connection } = openConnection({ url: redis.url, commandTimeoutMs: 50, healthCheckIntervalMs: 100 });
    await connection.whenReady(20_000);
    redis.stop();
    await eventually("unhealthy", () => !connection.health().healthy);
    redis.cont();
    await eventually("healthy", () => connection.health().healthy);
  });
});

describe("a line that fails without a word", () => {
  test("calls end at their deadline, the dead connection is given up, and another is made", async () => {
    const proxy = await startFaultProxy({ target: redis });
    const { connection } = openConnection({ url: urlOf(proxy.port), commandTimeoutMs: 100 });
    await connection.whenReady(20_000);
    proxy.add({ fault: "blackhole", afterEnd: "dead" });
    const { error, tookMs } = await failureOf(() => connection.run(increment, ["k"], []));
    expect(error).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
    expect(tookMs).toBeLessThan(IN_TIME_MS);
    await setTimeout(500); // socketTimeout: 4 x commandTimeoutMs
    expect(connection.health().healthy).toBe(false);
    proxy.heal();
    await eventually("an answer", () => connection.run(increment, ["k"], []));
    expect(await redis.cli("GET", "k")).toBe("1");
    await connection.close();
    await proxy.end();
  });

  test("a write whose reply was lost is executed once, and its caller hears that it may have been", async () => {
    const proxy = await startFaultProxy({ target: redis });
    const { connection } = openConnection({ url: urlOf(proxy.port) });
    await connection.run(increment, ["warm"], []);
    proxy.add({ fault: "loseReply", times: 1 });
    const { error } = await failureOf(() => connection.run(increment, ["k"], []));
    expect(error.outcome).toBe("unknown");
    await eventually("an answer", () => connection.run(increment, ["warm"], []));
    expect(await redis.cli("GET", "k")).toBe("1");
    await connection.close();
    await proxy.end();
  });
});

test("a busy process doesn't mistake itself for a silent Redis", async () => {
  const { connection } = openConnection({ url: redis.url, commandTimeoutMs: 100 });
  await connection.run(increment, ["k"], []); // the script is known: one answer is what there is to wait for
  const call = connection.run(increment, ["k"], []);
  await setTimeout(0);
  const busyUntil = performance.now() + 400;
  while (performance.now() < busyUntil);
  expect(await call).toBe(2);
});

test("when Redis has no connection left, calls fail typed, and it is back when there is one", async () => {
  const { connection: existing } = openConnection({ url: redis.url });
  await existing.whenReady(20_000);
  const clients = String(await redis.cli("CLIENT", "LIST"))
    .trim()
    .split("\n").length;
  await redis.config("maxclients", clients);
  const { connection } = openConnection({ url: redis.url, commandTimeoutMs: 200 });
  const { error } = await failureOf(() => connection.run(increment, ["k"], []));
  expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied" });
  expect(error.message).toContain("maxclients");
  expect(await existing.run(increment, ["k"], [])).toBe(1);
  await redis.config("maxclients", 1000);
  await eventually("an answer", () => connection.run(increment, ["k"], []));
});

test("a script that takes too long: BUSY is an answer, typed, and nothing reconnects", async () => {
  await redis.config("busy-reply-threshold", 20);
  const { connection } = openConnection({ url: redis.url, commandTimeoutMs: 300 });
  await connection.whenReady(20_000);
  const endless = redis.cli("EVAL", "while true do end", 0).catch(() => undefined);
  await setTimeout(60);
  const { error } = await failureOf(() => connection.run(increment, ["k"], []));
  expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied" });
  const { connection: killer } = openConnection({ url: redis.url });
  await redis.kill9(); // SCRIPT KILL needs the harness' connection, which waits for the script
  await endless;
  await killer.close();
});
