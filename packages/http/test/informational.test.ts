import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import type { World } from "./support/world.ts";
import { errorOf, rawClient, world } from "./support/world.ts";

let there: World;
afterEach(() => there.close());

const SAYS: Readonly<Record<string, (res: ServerResponse) => void>> = {
  "103 Early Hints": (res) => res.writeEarlyHints({ link: "</style.css>; rel=preload; as=style", "x-early": "1" }),
  "102 Processing": (res) => res.writeProcessing(),
  "both, several times": (res) => {
    for (let time = 0; time < 3; time += 1) {
      res.writeProcessing();
      res.writeEarlyHints({ link: "</style.css>; rel=preload" });
    }
  },
};

describe.each(Object.keys(SAYS))("a pod that says %s first", (what) => {
  const say = SAYS[what] as (res: ServerResponse) => void;

  // A body of up to 64 KiB goes over a kept connection, a larger one over one of its own.
  test.each([
    ["GET", 0],
    ["HEAD", 0],
    ["POST", 10],
    ["POST", 200_000],
  ])("has its response passed on alone: %s with %i bytes", async (method, bytes) => {
    let executed = 0;
    there = await world({
      pods: 1,
      handler: () => (req, res) => {
        say(res);
        let received = 0;
        req.on("data", (chunk: Buffer) => (received += chunk.byteLength));
        req.on("end", () => {
          executed += 1;
          say(res);
          res.setHeader("x-received", String(received));
          res.end("done");
        });
      },
    });
    for (const time of [1, 2]) {
      const client = rawClient(there.port);
      const body = "x".repeat(bytes);
      const head = [`${method} /u/alice/x HTTP/1.1`, "Host: x", "Connection: close", `Content-Length: ${bytes}`];
      client.socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
      const text = await client.closed();
      expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n/);
      expect(text).toContain(`x-received: ${bytes}\r\n`);
      expect(text.endsWith(`\r\n\r\n${method === "HEAD" ? "" : "done"}`)).toBe(true);
      expect(text).not.toMatch(/HTTP\/1.1 10|x-early|preload/);
      expect(executed).toBe(time);
    }
    expect(there.proxy.read()).toMatchObject({ running: 0, broken: 0 });
  });

  test("has its handshake passed on alone", async () => {
    there = await world({ pods: 1 });
    there.pods[0]?.server.on("upgrade", (_req, socket) => {
      socket.write("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n");
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    });
    const client = rawClient(there.port);
    client.socket.write("GET /u/alice/x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    expect(await client.closed()).toMatch(/^HTTP\/1.1 403 [^]*no$/);
  });
});

test("100 Continue that nobody asked for is taken for a broken answer, of unknown effect", async () => {
  there = await world({ handler: () => (_req, res) => res.writeContinue(() => res.end("done")) });
  const response = await fetch(there.url("/u/alice/x"));
  expect([response.status, await errorOf(response)]).toMatchObject([502, { outcome: "unknown" }]);
});
