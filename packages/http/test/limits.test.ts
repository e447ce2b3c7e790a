import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createLimitedServer, createProxy } from "@podlink/http";
import { RouteError } from "@podlink/types";
import { TableRoute } from "./support/table-route.ts";
import type { World } from "./support/world.ts";
import { eventually, rawClient, world } from "./support/world.ts";

/**
 * Writes every 10 ms, until something or the end is read. Each time right after this process has read its sockets: a write to a
 * connection whose end has arrived unread fails, and Node then drops what is unread with it.
 */
function drip(socket: Socket, text: string): void {
  const timer = setInterval(() => setImmediate(() => isOver || socket.write(text)), 10);
  let isOver = false;
  const stop = (): void => {
    isOver = true;
    clearInterval(timer);
  };
  socket.once("data", stop).once("end", stop).once("close", stop);
}

describe("a caller that takes its time (fault row 64)", () => {
  let there: World;
  afterEach(() => there.close());
  const slow = { headersTimeoutMs: 60, requestTimeoutMs: 120, checkIntervalMs: 20 };

  test("with its headers is answered 408 and cut, and no pod hears of it", async () => {
    there = await world({ limits: slow });
    const client = rawClient(there.port);
    client.socket.write("GET /u/alice/x HTTP/1.1\r\nHost: x\r\n");
    drip(client.socket, "X-A: 1\r\n");
    expect(await client.closed()).toMatch(/^HTTP\/1.1 408 /);
    client.socket.destroy();
    expect(there.pods[0]?.pod.entered).toEqual([]);
  });

  test("with its body is cut, and the pod's request with it", async () => {
    let aborted = 0;
    there = await world({
      limits: slow,
      handler: () => (req, res) => {
        res.once("close", () => (aborted += 1));
        req.resume();
      },
    });
    const client = rawClient(there.port);
    client.socket.write("POST /u/alice/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
    drip(client.socket, "x");
    await client.closed();
    client.socket.destroy();
    await eventually(() => aborted).toBe(1);
    await eventually(() => there.pods[0]?.pod.running).toBe(0);
    expect(there.proxy.read()).toMatchObject({ aborted: 1, running: 0 });
  });

  test("with huge headers is answered 431", async () => {
    there = await world({ limits: { maxHeaderBytes: 2048 } });
    const client = rawClient(there.port);
    client.socket.write(`GET /u/alice/x HTTP/1.1\r\nHost: x\r\nX-Big: ${"x".repeat(3000)}\r\n\r\n`);
    expect(await client.closed()).toMatch(/^HTTP\/1.1 431 /);
    client.socket.destroy();
  });

  test("is one too many for maxConnections: cut at once", async () => {
    there = await world({ limits: { maxConnections: 1 } });
    const first = rawClient(there.port);
    first.socket.write("GET /u/alice/x HTTP/1.1\r\nHost: x\r\n\r\n");
    await first.until("HTTP/1.1 200");
    expect(await rawClient(there.port).closed()).toBe("");
    first.socket.destroy();
  });
});

describe("fault 23: an option that breaks its rule is refused by name", () => {
  test.each([
    [{ connectTimeoutMs: 0 }, "proxy.connectTimeoutMs"],
    [{ responseTimeoutMs: 1.5 }, "proxy.responseTimeoutMs"],
    [{ maxHops: 0 }, "proxy.maxHops"],
    [{ origins: "some" }, "proxy.origins"],
    [{ allowAddress: true }, "proxy.allowAddress"],
    [{ retries: 3 }, "proxy.retries"],
    [{ uid: "alice" }, "proxy.uid"],
  ])("%j", (options, name) => {
    const make = (): unknown => createProxy(new TableRoute(), { uid: () => "alice", ...(options as object) });
    expect(make).toThrow(RouteError);
    expect(make).toThrow(name);
  });

  test.each([
    [{ headersTimeoutMs: -1 }, "limits.headersTimeoutMs"],
    [{ timeout: 1 }, "limits.timeout"],
  ])("%j", (limits, name) => {
    expect(() => createLimitedServer(limits as object)).toThrow(name);
  });
});
