import { existsSync } from "node:fs";
import { createConnection } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectNothingLeftOpen } from "../../src/index.ts";
import type { RedisServer } from "../../src/redis.ts";
import { RedisReplyError, startRedis } from "../../src/redis.ts";

/** What a client gets that says these lines, up to a number of lines. */
async function said(server: RedisServer, lines: string[], count = lines.length): Promise<string[]> {
  const socket = createConnection(server.port, server.host);
  let text = "";
  socket.on("data", (chunk) => (text += chunk.toString()));
  socket.write(lines.map((line) => `${line}\r\n`).join(""));
  while (text.split("\r\n").length <= count) await once(socket, "data");
  socket.destroy();
  return text.split("\r\n").slice(0, count);
}

describe("a server", () => {
  let server: RedisServer;
  beforeAll(async () => void (server = await startRedis()));
  afterAll(() => server.end());

  test("listens where it says", async () => {
    expect(server.url).toBe(`redis://127.0.0.1:${server.port}`);
    expect(await said(server, ["PING"])).toEqual(["+PONG"]);
    expect(existsSync(server.path)).toBe(true);
  });

  test("answers words, numbers, nil, lists, and errors as it says them", async () => {
    expect(await server.cli("SET", "a key", "größer 🦔")).toBe("OK");
    expect(await server.cli("GET", "a key")).toBe("größer 🦔");
    expect(await server.cli("GET", "nothing")).toBeUndefined();
    expect(await server.cli("INCRBY", "count", 42)).toBe(42);
    expect(await server.cli("MGET", "count", "nothing")).toEqual(["42", undefined]);
    await expect(server.cli("INCR", "a key")).rejects.toThrow(
      new RedisReplyError("ERR value is not an integer or out of range"),
    );
  });

  test("answers in order when asked at once", async () => {
    const asked = Array.from({ length: 100 }, (_, index) => server.cli("ECHO", index));
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 100 }, (_, index) => String(index)));
  });

  test("keeps nothing on disk by default, and refuses to evict", async () => {
    expect(await server.cli("CONFIG", "GET", "save")).toEqual(["save", ""]);
    expect(await server.cli("CONFIG", "GET", "appendonly")).toEqual(["appendonly", "no"]);
    expect(await server.cli("CONFIG", "GET", "maxmemory-policy")).toEqual(["maxmemory-policy", "noeviction"]);
  });

  test("tells its INFO, whole or by section", async () => {
    expect(await server.info()).toMatchObject({ role: "master", tcp_port: String(server.port) });
    expect(Object.keys(await server.info("clients"))).not.toContain("role");
  });

  test("takes configuration at run time", async () => {
    await server.config("maxclients", 123);
    expect(await server.cli("CONFIG", "GET", "maxclients")).toEqual(["maxclients", "123"]);
  });

  test("is asked over another connection when the harness's was killed, which is not the test's to close", async () => {
    await server.cli("CLIENT", "KILL", "USER", "harness", "SKIPME", "no");
    await expectNothingLeftOpen(() => server.cli("PING"));
  });
});

describe("users", () => {
  test("are those of the options, and the harness's own survives what becomes of them", async () => {
    await using server = await startRedis({ password: 'p w"ö', users: { app: "on >secret ~pl:* +get" } });
    expect(server.url).toBe(`redis://:p%20w%22%C3%B6@127.0.0.1:${server.port}`);
    expect((await said(server, ["PING"]))[0]).toContain("NOAUTH");
    expect(await said(server, ["AUTH app secret", "GET pl:1"], 2)).toEqual(["+OK", "$-1"]);
    await server.acl("default", "off");
    await server.acl("app", "resetpass", ">new");
    expect((await said(server, ["AUTH app secret"]))[0]).toContain("WRONGPASS");
    await server.cli("CLIENT", "KILL", "USER", "harness").catch(() => undefined);
    expect(await server.cli("PING")).toBe("PONG");
  });

  test("refusals are in the ACL's log, newest first", async () => {
    await using server = await startRedis({ users: { app: "on >secret ~pl:* +get +set" } });
    expect(await server.aclLog()).toEqual([]);
    await said(server, ["AUTH app secret", "DEL pl:1", "GET other"], 3);
    expect(await server.aclLog()).toMatchObject([
      { reason: "key", object: "other", username: "app" },
      { reason: "command", object: "del", username: "app" },
    ]);
  });
});

describe("memory", () => {
  test("writes are refused when it is full", async () => {
    await using server = await startRedis({ maxMemory: 3_000_000 });
    const fill = async (): Promise<void> => {
      for (let index = 0; index < 10; index += 1) await server.cli("SET", index, "x".repeat(500_000));
    };
    await expect(fill()).rejects.toThrow("OOM command not allowed");
  });
});

test("a server that won't start says why", async () => {
  const refused = startRedis({ config: { "hz-of-today": 10 } });
  await expect(refused).rejects.toThrow(/redis-server ended instead of starting.*hz-of-today/s);
});

test("directives of the test's own win", async () => {
  await using server = await startRedis({ config: { databases: 3, "maxmemory-policy": "allkeys-lru" } });
  expect(await server.cli("CONFIG", "GET", "databases")).toEqual(["databases", "3"]);
  expect(await server.cli("CONFIG", "GET", "maxmemory-policy")).toEqual(["maxmemory-policy", "allkeys-lru"]);
});
