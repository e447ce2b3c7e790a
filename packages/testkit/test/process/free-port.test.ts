import { createServer } from "node:net";
import { once } from "node:events";
import { expect, test } from "vitest";
import { findRedisServer } from "../../src/redis/find-redis-server.ts";
import { PortTaken, onFreePort } from "../../src/process/free-port.ts";
import { StartedServer } from "../../src/redis/started-server.ts";

test("another port is tried while ports are taken", async () => {
  const tried: number[] = [];
  const got = await onFreePort(async (port) => {
    tried.push(port);
    if (tried.length < 4) throw new PortTaken();
    return port;
  });
  expect(tried).toHaveLength(4);
  expect(got).toBe(tried[3]);
});

test("it is given up when no port is free, and at once for any other reason", async () => {
  let tries = 0;
  const failing = (error: Error) => () => {
    tries += 1;
    return Promise.reject(error);
  };
  await expect(onFreePort(failing(new PortTaken()))).rejects.toThrow(PortTaken);
  expect(tries).toBe(20);
  await expect(onFreePort(failing(new Error("no")))).rejects.toThrow("no");
  expect(tries).toBe(21);
});

test("ports leave room for a Cluster's bus below those of outgoing connections", async () => {
  const ports = await Promise.all(Array.from({ length: 1000 }, () => onFreePort(async (port) => port)));
  expect(Math.min(...ports)).toBeGreaterThan(10_000);
  expect(Math.max(...ports) + 10_000).toBeLessThan(32_768);
});

test.each([
  { whose: "its port", offset: 0, conf: [] },
  { whose: "the port of its bus", offset: 10_000, conf: [["cluster-enabled", "yes"]] },
])("a server says so when somebody else has $whose", async ({ offset, conf }) => {
  const other = createServer().unref();
  const port = await onFreePort(async (candidate) => {
    const listening = once(other, "listening");
    other.listen(candidate + offset, "127.0.0.1");
    await listening.catch(() => Promise.reject(new PortTaken()));
    return candidate;
  });
  const server = new StartedServer(findRedisServer(), port, { conf });
  try {
    await expect(server.start()).rejects.toThrow(PortTaken);
  } finally {
    await server.end();
    other.close();
  }
});
