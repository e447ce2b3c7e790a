import { afterEach, describe, expect, test } from "vitest";
import { RouteError } from "@podlink/types";
import { linkTo } from "./support/table-route.ts";
import type { World } from "./support/world.ts";
import { eventually, deadPort, errorOf, rawClient, world } from "./support/world.ts";

let there: World;
afterEach(() => there.close());

describe("a request through the proxy", () => {
  test("reaches the pod that the link names and says which one answered", async () => {
    there = await world();
    there.route.believed.set("alice", linkTo("alice", 1));
    const response = await fetch(there.url("/u/alice/state"));
    expect([response.status, await response.text(), response.headers.get("podlink-pod")]).toEqual([200, "1", "1"]);
  });

  test("reaches pod 0 like any other (fault 1)", async () => {
    there = await world();
    const response = await fetch(there.url("/u/alice/state"));
    expect([await response.text(), response.headers.get("podlink-pod")]).toEqual(["0", "0"]);
  });

  test("names uid, token, pod and hops to the pod", async () => {
    there = await world({ handler: () => (req, res) => res.end(JSON.stringify(req.headers)) });
    const headers: unknown = await (await fetch(there.url(`/u/${encodeURIComponent("a/ü b")}/x`))).json();
    expect(headers).toMatchObject({
      "podlink-uid": encodeURIComponent("a/ü b"),
      "podlink-route": "pod=test/room/0.1; hops=1; token=100",
    });
    expect(there.pods[0]?.pod.entered).toEqual([
      {
        uid: "a/ü b",
        request: { token: "100", pod: { namespace: "test", service: "room", podIndex: 0, incarnation: 1 } },
      },
    ]);
  });

  test("keeps method, path and query byte for byte", async () => {
    there = await world({ handler: () => (req, res) => res.end(`${req.method} ${req.url}`) });
    const path = "/u/alice//a/%2e%2E/../b;c=1?x=%20&y=a+b&&z";
    const text = await rawGet(there, path);
    expect(text).toContain(`PATCH ${path}`);
  });

  test("that names no uid is for the next handler, or 400", async () => {
    there = await world();
    const response = await fetch(there.url("/elsewhere"));
    expect([response.status, (await errorOf(response)).code]).toEqual([400, "INVALID_ARGUMENT"]);
    let passedOn = false;
    there.proxy.handle({ url: "/x", headers: {} } as never, {} as never, () => (passedOn = true));
    expect(passedOn).toBe(true);
  });

  test.each(["%00", "%0a", ".", "x".repeat(257)])(
    "with the bad uid %j is 400 INVALID_ARGUMENT with the field",
    async (uid) => {
      there = await world();
      const text = await rawGet(there, `/u/${uid}/x`);
      expect(text).toMatch(/^HTTP\/1.1 400 /);
      expect(text).toContain('"code":"INVALID_ARGUMENT","message":"uid must be');
      expect(there.route.asked).toBe(0);
    },
  );

  test("that can't be resolved is answered with the code's status, as JSON", async () => {
    there = await world();
    there.route.failure = new RouteError("POD_UNAVAILABLE", "not now", { retryAfterMs: 2500 });
    const response = await fetch(there.url("/u/alice/x"));
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "3"]);
    expect(await errorOf(response)).toEqual({
      code: "POD_UNAVAILABLE",
      message: "not now",
      retryable: true,
      retryAfterMs: 2500,
    });
  });
});

describe("a pod that can't be reached", () => {
  test("in time is 503, for bodies of any size and for WebSockets' kind of connection", async () => {
    there = await world({ proxy: { connectTimeoutMs: 50 } });
    there.route.addresses.set(0, { host: "192.0.2.1", httpPort: 9 }); // TEST-NET-1 (RFC 5737): nobody is there
    const big = await fetch(there.url("/u/alice/x"), { method: "POST", body: "x".repeat(100_000) });
    expect([big.status, (await errorOf(big)).outcome]).toEqual([503, "not-applied"]);
  });

  test("and says nothing to a large body is 504, and breaking off is 502", async () => {
    there = await world({
      handler: (podIndex) => (req) => (podIndex === 0 ? req.resume() : req.socket.destroy()),
      proxy: { responseTimeoutMs: 60 },
    });
    there.route.believed.set("bob", linkTo("bob", 1));
    const send = (uid: string): Promise<Response> =>
      fetch(there.url(`/u/${uid}/x`), { method: "POST", body: "x".repeat(100_000) });
    expect((await send("alice")).status).toBe(504);
    expect((await send("bob")).status).toBe(502);
  });

  test("is 503 with Retry-After, known to be without effect, and is asked once", async () => {
    there = await world();
    there.route.addresses.set(0, { host: "127.0.0.1", httpPort: await deadPort() });
    const response = await fetch(there.url("/u/alice/x"), { method: "POST", body: "x" });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await errorOf(response)).toMatchObject({ code: "POD_UNAVAILABLE", outcome: "not-applied" });
    expect(there.route.refusals).toEqual([]);
    expect(there.proxy.read()).toMatchObject({ unreached: 1, repeats: 0, running: 0 });
  });

  test("and breaks off before its answer is 502, of unknown effect, and is not asked again", async () => {
    let asked = 0;
    there = await world({
      handler: () => (req) => {
        asked += 1;
        req.socket.destroy();
      },
    });
    const response = await fetch(there.url("/u/alice/x"), { method: "POST", body: "x" });
    expect([response.status, response.headers.get("retry-after")]).toEqual([502, "1"]);
    expect(await errorOf(response)).toMatchObject({ code: "POD_UNAVAILABLE", outcome: "unknown" });
    expect(asked).toBe(1);
  });

  test("and says nothing is 504", async () => {
    there = await world({ handler: () => () => undefined, proxy: { responseTimeoutMs: 50 } });
    const response = await fetch(there.url("/u/alice/x"));
    expect([response.status, (await errorOf(response)).code]).toEqual([504, "TIMEOUT"]);
    expect(there.proxy.read()).toMatchObject({ timeouts: 1, running: 0 });
  });

  test("and falls silent within its answer cuts the answer", async () => {
    there = await world({ handler: () => (_req, res) => void res.write("half"), proxy: { responseIdleMs: 50 } });
    const response = await fetch(there.url("/u/alice/x"));
    await expect(response.text()).rejects.toThrow();
  });

  test("has more under way than it may: 503", async () => {
    there = await world({ handler: () => () => undefined, proxy: { maxRequestsPerPod: 1 } });
    const first = fetch(there.url("/u/alice/x")).catch(() => undefined);
    await eventually(() => there.pods[0]?.pod.running).toBe(1);
    const second = await fetch(there.url("/u/bob/x"));
    expect([second.status, second.headers.get("retry-after")]).toEqual([503, "1"]);
    await there.close();
    await first;
  });

  test.each([
    ["a link-local address", { host: "169.254.169.254", httpPort: 80 }],
    ["a link-local address in disguise", { host: "::ffff:169.254.169.254", httpPort: 80 }],
    ["a link-local address as a number", { host: "0xA9FEA9FE", httpPort: 80 }],
    ["no HTTP port", { host: "127.0.0.1", grpcPort: 1 }],
    ["a host that is none", { host: "a/b@c", httpPort: 80 }],
    ["a host that only looks like an address", { host: "a:b", httpPort: 80 }],
    ["a port that is none", { host: "127.0.0.1", httpPort: 70_000 }],
  ])("because it registered %s is 503 and nothing is connected to", async (_what, address) => {
    there = await world();
    there.route.addresses.set(0, address);
    const response = await fetch(there.url("/u/alice/x"));
    expect([response.status, (await errorOf(response)).code]).toEqual([503, "POD_UNAVAILABLE"]);
  });

  test("because its address isn't allowed is 503", async () => {
    there = await world({ proxy: { allowAddress: ({ host }) => host !== "127.0.0.1" } });
    expect((await fetch(there.url("/u/alice/x"))).status).toBe(503);
  });
});

function rawGet(where: World, path: string): Promise<string> {
  const client = rawClient(where.port);
  client.socket.write(`PATCH ${path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`);
  return client.closed();
}
