import { existsSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { startRedis } from "../../src/redis.ts";

describe("a server", () => {
  test("killed is gone, and restarted is another process on the same port that has lost everything", async () => {
    await using server = await startRedis();
    const { pid, port } = server;
    await server.cli("SET", "k", "v");
    await server.kill9();
    expect(server.pid).toBeUndefined();
    await expect(server.cli("PING")).rejects.toThrow();
    await server.kill9();
    await server.restart();
    expect(server.pid).not.toBe(pid);
    expect(server.port).toBe(port);
    expect(await server.cli("DBSIZE")).toBe(0);
  });

  test("with an append-only file comes back with its data, unless it is to come back empty", async () => {
    await using server = await startRedis({ appendOnly: "always" });
    await server.cli("SET", "k", "v");
    await server.restart();
    expect(await server.cli("GET", "k")).toBe("v");
    await server.restart({ empty: true });
    expect(await server.cli("GET", "k")).toBeUndefined();
  });

  test("that was restarted is still ended, with its files", async () => {
    const server = await startRedis();
    await server.restart();
    await server.end();
    expect(server.pid).toBeUndefined();
    expect(existsSync(server.directory)).toBe(false);
  });

  test("that ended by itself is noticed", async () => {
    await using server = await startRedis();
    await server.cli("SHUTDOWN", "NOSAVE").catch(() => undefined);
    await expect.poll(() => server.pid).toBeUndefined();
    await server.restart();
    expect(await server.cli("PING")).toBe("PONG");
  });

  test("stopped answers nobody until it is continued", async () => {
    await using server = await startRedis();
    server.stop();
    const answer = server.cli("PING");
    expect(await Promise.race([answer, wait(100, "silence")])).toBe("silence");
    server.cont();
    expect(await answer).toBe("PONG");
  });

  test("stopped or killed is ended all the same, once", async () => {
    const [stopped, killed] = await Promise.all([startRedis(), startRedis()]);
    stopped.stop();
    await killed.kill9();
    await Promise.all([stopped.end(), killed.end()]);
    expect([stopped.directory, killed.directory].filter(existsSync)).toEqual([]);
    await stopped.end();
  });
});
