import { request } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import type { World } from "./support/world.ts";
import { eventually, rawClient, world } from "./support/world.ts";

let there: World;
afterEach(() => there.close());

describe("both ways at once", () => {
  test.each(["Content-Length: 8", "Transfer-Encoding: chunked"])(
    "bytes pass before the message ends (%s)",
    async (framing) => {
      there = await world({ handler: () => (req, res) => req.pipe(res.writeHead(200)) });
      const client = rawClient(there.port);
      const send = (text: string): void => {
        client.socket.write(framing.startsWith("T") ? `${text.length.toString(16)}\r\n${text}\r\n` : text);
      };
      client.socket.write(`POST /u/alice/echo HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n`);
      send("ping");
      await client.until("ping");
      send("pong");
      await client.until("pong");
      client.socket.destroy();
    },
  );

  test("the head of a silent response passes at once", async () => {
    there = await world({ handler: () => (_req, res) => res.writeHead(200, { "x-early": "yes" }).flushHeaders() });
    const client = rawClient(there.port);
    client.socket.write("GET /u/alice/events HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(await client.until("x-early: yes")).toMatch(/^HTTP\/1.1 200 /);
    client.socket.destroy();
  });

  // Up to 4 KiB leave with the head; all bytes there are, so that none is taken for text.
  test.each(["0", "1", "256", "4096", "4097", "70000", "10, 20", "10, 70000", "4097, 10"])(
    "every byte of a response passes, in its place: %s",
    async (pieces) => {
      const sizes = pieces.split(", ").map(Number);
      const parts = sizes.map((size, part) => Uint8Array.from({ length: size }, (_, index) => (index + part) % 256));
      for (const framing of [{ "content-length": String(Buffer.concat(parts).byteLength) }, {}]) {
        there = await world({
          handler: () => (_req, res) => {
            res.writeHead(200, framing);
            for (const part of parts) res.write(part);
            res.end();
          },
        });
        const response = await fetch(there.url("/u/alice/bytes"));
        expect(Buffer.from(await response.arrayBuffer()).equals(Buffer.concat(parts))).toBe(true);
        await there.close();
      }
    },
  );

  // As middleware for Connect does it: what it hands on is a chunk, and no encoding.
  test.each(["end", "write"] as const)("every byte passes where others wrapped the response's %s", async (method) => {
    for (const bytes of [1, 256, 4096, 4097]) {
      const part = Uint8Array.from({ length: bytes }, (_, index) => 255 - (index % 256));
      there = await world({ handler: () => (_req, res) => res.end(part) });
      there.gateway.prependListener("request", (_req, res) => {
        const wrapped = res[method].bind(res) as (chunk: unknown) => never;
        res[method] = (chunk?: unknown) => wrapped(chunk);
      });
      const response = await fetch(there.url("/u/alice/bytes"));
      expect(Buffer.from(await response.arrayBuffer()).equals(part)).toBe(true);
      await there.close();
    }
  });

  test("small responses on one connection follow each other, also to requests that didn't wait", async () => {
    there = await world({ handler: () => (req, res) => res.end(`<${req.url?.split("/").pop()}>`) });
    const client = rawClient(there.port);
    const ask = (name: string): string => `GET /u/alice/${name} HTTP/1.1\r\nHost: x\r\n\r\n`;
    client.socket.write(ask("one") + ask("two") + ask("three"));
    const all = await client.until("<three>");
    expect(all.match(/<\w+>/g)).toEqual(["<one>", "<two>", "<three>"]);
    client.socket.write(ask("four"));
    await client.until("<four>");
    client.socket.destroy();
  });

  test("a caller that reads slowly slows the pod down", async () => {
    let written = 0;
    const block = Buffer.alloc(65_536);
    there = await world({
      handler: () => (_req, res) => {
        const more = (): void => {
          while (written < 400) {
            written += 1;
            if (!res.write(block)) break;
          }
        };
        res.on("drain", more);
        more();
      },
    });
    const client = rawClient(there.port);
    client.socket.pause();
    client.socket.write("GET /u/alice/much HTTP/1.1\r\nHost: x\r\n\r\n");
    await eventually(() => written).toBeGreaterThan(0);
    let before = -1;
    await eventually(() => before === (before = written), { interval: 100 }).toBe(true);
    expect(written).toBeLessThan(400);
    client.socket.resume();
    await eventually(() => written).toBe(400);
    client.socket.destroy();
  });

  test("a pod that reads slowly slows the caller down", async () => {
    there = await world({ handler: () => (req) => void req.once("readable", () => undefined) });
    const outgoing = request(there.url("/u/alice/x"), { method: "POST", agent: false });
    outgoing.on("error", () => undefined);
    const block = Buffer.alloc(65_536);
    let written = 0;
    const more = (): void => {
      while (written < 400) {
        written += 1;
        if (!outgoing.write(block)) break;
      }
    };
    outgoing.on("drain", more);
    more();
    await eventually(() => written).toBeGreaterThan(0);
    let before = -1;
    await eventually(() => before === (before = written), { interval: 100 }).toBe(true);
    expect(written).toBeLessThan(400);
    outgoing.destroy();
  });
});

describe("a caller that goes away", () => {
  test.each([
    ["while the pod thinks", "", ""],
    ["within its body", "Content-Length: 100\r\n", "half"],
    ["within a body of unknown length", "Transfer-Encoding: chunked\r\n", "4\r\nhalf\r\n"],
  ])("%s ends the request to the pod", async (_when, framing, body) => {
    let aborted = 0;
    there = await world({
      handler: () => (req, res) => {
        req.resume();
        res.once("close", () => (aborted += res.writableFinished ? 0 : 1));
      },
    });
    const client = rawClient(there.port);
    client.socket.write(`POST /u/alice/x HTTP/1.1\r\nHost: x\r\n${framing}\r\n${body}`);
    await eventually(() => there.pods[0]?.pod.running).toBe(1);
    client.socket.destroy();
    await eventually(() => aborted).toBe(1);
    await eventually(() => there.pods[0]?.pod.running).toBe(0);
    expect(there.proxy.read()).toMatchObject({ aborted: 1, running: 0 });
  });

  test("before its pod is known sends nothing", async () => {
    there = await world();
    let answer = (): void => undefined;
    const ready = new Promise<void>((resolve) => (answer = resolve));
    const target = there.route.target.bind(there.route);
    there.route.target = async (uid) => {
      await ready;
      return target(uid);
    };
    const client = rawClient(there.port);
    client.socket.write("GET /u/alice/x HTTP/1.1\r\nHost: x\r\n\r\n");
    await eventually(() => there.proxy.read()["running"]).toBe(1);
    client.socket.destroy();
    await eventually(() => there.proxy.read()["running"]).toBe(0);
    answer();
    await ready;
    expect(there.pods[0]?.pod.entered).toEqual([]);
  });
});

test("a pod that answers before the body has come: the connection carries the next request", async () => {
  there = await world({ handler: () => (_req, res) => res.writeHead(200).end("early") });
  const client = rawClient(there.port);
  client.socket.write("POST /u/alice/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nxxxx");
  await client.until("early");
  client.socket.write("x".repeat(99_996));
  client.socket.write("GET /u/bob/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  expect((await client.closed()).match(/HTTP\/1.1 200/g)).toHaveLength(2);
});

test("a pod that breaks off within its answer: the caller's connection is cut, nothing looks whole", async () => {
  there = await world({
    handler: () => (_req, res) => {
      res.writeHead(200, { "content-length": "100" }).write("half");
      setImmediate(() => res.destroy());
    },
  });
  const response = await fetch(there.url("/u/alice/x"));
  await expect(response.text()).rejects.toThrow();
  expect(there.proxy.read()).toMatchObject({ broken: 1, running: 0 });
});

test.each(["HEAD", "DELETE", "OPTIONS", "PUT"])(
  "%s passes, with the headers of its answer and no invented body",
  async (method) => {
    there = await world({
      handler: () => (req, res) => res.writeHead(method === "HEAD" ? 200 : 204, { "x-method": req.method }).end(),
    });
    const response = await fetch(there.url("/u/alice/x"), { method });
    expect([response.headers.get("x-method"), await response.text()]).toEqual([method, ""]);
  },
);
