import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:net";
import type { Duplex } from "node:stream";
import { RouteError } from "@podlink/types";
import { afterEach, describe, expect, test } from "vitest";
import { linkTo } from "./support/table-route.ts";
import type { World } from "./support/world.ts";
import { deadPort, errorOf, eventually, listen, rawClient, world } from "./support/world.ts";

const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
/** Longer than anything takes here: who waits for it has waited in vain. */
const LONG_MS = 60_000;

let there: World;
afterEach(() => there.close());

/** Says when the proxy holds so many requests. */
const holding = (count: number): Promise<void> => eventually(() => there.proxy.read()["holding"]).toBe(count);

/** Pod 0 is gone, without the caller knowing it yet. */
async function podZeroIsGone(): Promise<void> {
  there.route.addresses.set(0, { host: "127.0.0.1", httpPort: await deadPort() });
}

describe("a request whose pod can't take it", () => {
  test("waits until its user was moved, and is then served there", async () => {
    there = await world({ proxy: { holdMs: LONG_MS } });
    await podZeroIsGone();
    const answered = fetch(there.url("/u/alice/x"), { method: "POST", body: "change" });
    await holding(1);
    there.route.believed.set("alice", linkTo("alice", 1, "150"));
    const response = await answered;
    expect([response.status, await response.text()]).toEqual([200, "1"]);
    expect(there.proxy.read()).toMatchObject({ held: 1, holding: 0, running: 0 });
  });

  test.each(["unavailable", "fenced", "stopped"] as const)(
    "waits while the pod says %s, and is executed once",
    async (reason) => {
      there = await world({ proxy: { holdMs: LONG_MS } });
      there.pods[0]?.pod.refuse("alice", { reason });
      const answered = fetch(there.url("/u/alice/x"), { method: "POST", body: randomBytes(60_000) });
      await holding(1);
      there.pods[0]?.pod.refusals.delete("alice");
      expect(await (await answered).text()).toBe("0");
    },
  );

  test("waits while nobody can be found for it", async () => {
    there = await world({ proxy: { holdMs: LONG_MS } });
    there.route.failure = new RouteError("POD_UNAVAILABLE", "its pod is silent", { retryAfterMs: 500 });
    const answered = fetch(there.url("/u/alice/x"));
    await holding(1);
    there.route.failure = undefined;
    expect(await (await answered).text()).toBe("0");
  });

  test("waits while two pods send it back and forth", async () => {
    there = await world({ proxy: { holdMs: LONG_MS } });
    there.pods[0]?.pod.refuse("alice", { reason: "held-by", link: linkTo("alice", 1, "150") });
    there.pods[1]?.pod.refuse("alice", { reason: "held-by", link: linkTo("alice", 0, "160") });
    const answered = fetch(there.url("/u/alice/x"));
    await holding(1);
    there.pods[1]?.pod.refusals.delete("alice");
    expect(await (await answered).text()).toBe("1");
  });

  test("is answered with the last error once holdMs are over, not before", async () => {
    there = await world({ proxy: { holdMs: 300 } });
    await podZeroIsGone();
    const begunAtMs = performance.now();
    const response = await fetch(there.url("/u/alice/x"));
    expect(performance.now() - begunAtMs).toBeGreaterThanOrEqual(300);
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await errorOf(response)).toMatchObject({ code: "POD_UNAVAILABLE", outcome: "not-applied" });
    expect(there.proxy.read()).toMatchObject({ held: 1, holding: 0, running: 0 });
  });

  test("gets the pod's own refusal once holdMs are over", async () => {
    there = await world({ proxy: { holdMs: 100 } });
    there.pods[0]?.pod.refuse("alice", { reason: "fenced", retryAfterMs: 4000 });
    const response = await fetch(there.url("/u/alice/x"));
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "4"]);
  });

  test("is forgotten when its caller goes away", async () => {
    there = await world({ proxy: { holdMs: LONG_MS } });
    await podZeroIsGone();
    const caller = new AbortController();
    const given = fetch(there.url("/u/alice/x"), { signal: caller.signal }).catch(() => "given up");
    await holding(1);
    caller.abort();
    expect(await given).toBe("given up");
    await holding(0);
    expect(there.proxy.read()).toMatchObject({ aborted: 1, running: 0 });
  });

  test("is answered at once when the proxy closes", async () => {
    there = await world({ proxy: { holdMs: LONG_MS } });
    await podZeroIsGone();
    const answered = fetch(there.url("/u/alice/x"));
    await holding(1);
    await there.proxy.close({ deadlineMs: 0 });
    expect((await answered).status).toBe(503);
    expect(there.proxy.read()).toMatchObject({ holding: 0, running: 0 });
  });
});

describe("a request is never held", () => {
  test("without holdMs: 503 at once", async () => {
    there = await world();
    await podZeroIsGone();
    expect((await fetch(there.url("/u/alice/x"))).status).toBe(503);
    expect(there.proxy.read()).toMatchObject({ held: 0 });
  });

  test("when it may have been executed", async () => {
    there = await world({ pods: 1, proxy: { holdMs: LONG_MS } });
    const pod = createServer((socket) => socket.once("data", () => socket.destroy()));
    there.route.addresses.set(0, { host: "127.0.0.1", httpPort: await listen(pod as never) });
    const response = await fetch(there.url("/u/alice/x"), { method: "POST", body: "change" });
    expect([response.status, (await errorOf(response)).outcome]).toEqual([502, "unknown"]);
    expect(there.proxy.read()).toMatchObject({ held: 0, broken: 1 });
    await new Promise((resolve) => pod.close(resolve));
  });

  test("for a 503 that is the application's own", async () => {
    let asked = 0;
    there = await world({
      proxy: { holdMs: LONG_MS },
      handler: () => (_req, res) => {
        asked += 1;
        res.writeHead(503, { "retry-after": "7" }).end("busy");
      },
    });
    const response = await fetch(there.url("/u/alice/x"));
    expect([response.status, await response.text(), asked]).toEqual([503, "busy", 1]);
  });

  test("for an error that time doesn't mend", async () => {
    there = await world({ proxy: { holdMs: LONG_MS } });
    there.route.failure = new RouteError("SERVICE_NOT_FOUND", "nobody knows it");
    expect((await fetch(there.url("/u/alice/x"))).status).toBe(404);
  });

  test("when maxHeld wait already", async () => {
    there = await world({ proxy: { holdMs: LONG_MS, maxHeld: 1 } });
    await podZeroIsGone();
    const first = fetch(there.url("/u/alice/x"));
    await holding(1);
    expect((await fetch(there.url("/u/bob/x"))).status).toBe(503);
    for (const uid of ["alice", "bob"]) there.route.believed.set(uid, linkTo(uid, 1, "150"));
    expect(await (await first).text()).toBe("1");
    expect(there.proxy.read()).toMatchObject({ held: 1, holding: 0 });
  });
});

describe("a WebSocket's handshake", () => {
  const shake = (): ReturnType<typeof rawClient> => {
    const client = rawClient(there.port);
    client.socket.write(
      "GET /u/alice/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n",
    );
    return client;
  };
  let heard = "";
  const letIn = (): void => {
    heard = "";
    for (const { guard, server } of there.pods)
      server.on("upgrade", (req: IncomingMessage, socket: Duplex, head: Buffer) => {
        void guard.upgrade(req, socket, head).then((entry) => {
          socket.on("error", () => undefined).on("end", () => socket.end());
          socket.on("data", (chunk: Buffer) => (heard += chunk.toString()));
          if (entry !== undefined) socket.write(SWITCH);
          entry?.leave();
        });
      });
  };

  test("waits until its user was moved", async () => {
    there = await world({ proxy: { holdMs: LONG_MS } });
    letIn();
    await podZeroIsGone();
    const client = shake();
    await holding(1);
    client.socket.write("early");
    there.route.believed.set("alice", linkTo("alice", 1, "150"));
    expect(await client.until("podlink-pod: 1")).toMatch(/^HTTP\/1.1 101 /);
    await eventually(() => heard).toBe("early");
    client.socket.destroy();
    await holding(0);
  });

  test("waits while the pod refuses, and is answered with that refusal in the end", async () => {
    there = await world({ proxy: { holdMs: 100 } });
    letIn();
    there.pods[0]?.pod.refuse("alice", { reason: "unavailable", retryAfterMs: 4000 });
    expect(await shake().closed()).toMatch(/^HTTP\/1.1 503 [^]*retry-after: 4\r\n/);
    expect(there.proxy.read()).toMatchObject({ held: 1, holding: 0 });
  });

  test("is forgotten when its caller goes away", async () => {
    there = await world({ proxy: { holdMs: LONG_MS } });
    await podZeroIsGone();
    const client = shake();
    await holding(1);
    client.socket.destroy();
    await holding(0);
    await eventually(() => there.proxy.read()["upgraded"]).toBe(0);
  });
});

test.each([
  ["holdMs", -1],
  ["holdMs", 600_001],
  ["maxHeld", 0],
])("%s %i is refused", async (name, value) => {
  there = await world();
  await expect(world({ proxy: { [name]: value } })).rejects.toThrow(`proxy.${name}`);
});
