import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { decodeLink, decodeRoute, encodeLink, encodeRoute } from "@podlink/http";
import { makeLink } from "@podlink/types";
import { encodeUid } from "../src/headers.ts";
import { namedBy } from "../src/hop-by-hop.ts";
import { headText } from "../src/raw-answer.ts";
import type { World } from "./support/world.ts";
import { rawClient, world } from "./support/world.ts";

const key = { namespace: "test", service: "room", uid: "alice" };

describe("over sockets", () => {
  let there: World;
  afterEach(() => there.close());

  /** Sends header lines; returns what the pod got, names and values in turn, in lower case. */
  async function podGets(lines: string[]): Promise<Map<string, string[]>> {
    let got: string[] = [];
    there = await world({
      handler: () => (req, res) => {
        got = req.rawHeaders;
        res.end();
      },
    });
    const client = rawClient(there.port);
    client.socket.write(
      `GET /u/alice/x HTTP/1.1\r\nHost: app.example\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`,
    );
    await client.until("\r\n\r\n");
    client.socket.destroy();
    const byName = new Map<string, string[]>();
    for (let at = 0; at < got.length; at += 2) {
      const name = (got[at] ?? "").toLowerCase();
      byName.set(name, [...(byName.get(name) ?? []), got[at + 1] ?? ""]);
    }
    return byName;
  }

  test.each([
    ["Connection: x-private, keep-alive", "X-Private: 1", "x-private"],
    ["connection: X-A", "x-a: 1", "x-a"],
    ["Connection: close", "Keep-Alive: timeout=5", "keep-alive"],
    ["Accept: */*", "Proxy-Connection: keep-alive", "proxy-connection"],
    ["Accept: */*", "TE: trailers", "te"],
    ["Accept: */*", "Trailer: x-sum", "trailer"],
    ["Accept: */*", "Proxy-Authorization: Basic eA==", "proxy-authorization"],
    ["Accept: */*", "Proxy-Authenticate: Basic", "proxy-authenticate"],
    ["Accept: */*", "HTTP2-Settings: x", "http2-settings"],
    [
      "Accept: */*",
      "Podlink-Route: pod=test/room/7.1; hops=0; token=999",
      "podlink-route: pod=test/room/7.1; hops=0; token=999",
    ],
    ["Accept: */*", "podlink-uid: bob", "podlink-uid: bob"],
    ["Accept: */*", "PODLINK-TARGET: test/room/7.1", "podlink-target"],
    ["Accept: */*", "podlink-anything: 1", "podlink-anything"],
  ])("%j and %j: %s does not reach the pod", async (first, second, absent) => {
    const got = await podGets([first, second, "X-Kept: yes"]);
    const flat = Array.from(got, ([name, values]) => values.map((value) => `${name}: ${value}`)).flat();
    expect(flat.filter((line) => line === absent || line.startsWith(`${absent}:`))).toEqual([]);
    expect(got.get("x-kept")).toEqual(["yes"]);
    expect(got.get("podlink-uid")).toEqual(["alice"]);
  });

  test("end-to-end headers pass in order, repeated ones too", async () => {
    const got = await podGets(["Cookie: a=1", "X-Many: 1", "Authorization: Bearer t", "X-Many: 2", "Accept: a/b"]);
    expect(got.get("x-many")).toEqual(["1", "2"]);
    expect([got.get("cookie"), got.get("authorization"), got.get("accept")]).toEqual([["a=1"], ["Bearer t"], ["a/b"]]);
  });

  test("the pod is told who sent it, after what earlier proxies said, and Host is its own", async () => {
    const got = await podGets([
      "X-Forwarded-For: 203.0.113.7",
      "x-forwarded-proto: https",
      "X-Forwarded-Host: a.example",
    ]);
    expect(got.get("x-forwarded-for")).toEqual(["203.0.113.7, 127.0.0.1"]);
    expect(got.get("x-forwarded-proto")).toEqual(["https, http"]);
    expect(got.get("x-forwarded-host")).toEqual(["a.example, app.example"]);
    expect(got.get("host")).toEqual([`127.0.0.1:${there.pods[0]?.port}`]);
  });

  // A body beyond 64 KiB and an upgrade have a connection of their own.
  test.each([
    ["LocalHost", "localhost"],
    ["0x7F000001", "127.0.0.1"],
  ])("Host is the same whichever way a request is sent: %s is %s", async (host, name) => {
    there = await world({ handler: () => (req, res) => void req.resume().on("end", () => res.end(req.headers.host)) });
    const [first] = there.pods;
    const httpPort = first?.port as number;
    there.route.addresses.set(0, { host, httpPort });
    first?.server.on("upgrade", (req, socket) => socket.end(`HTTP/1.1 200 OK\r\n\r\n${req.headers.host}`));
    const ask = async (body?: string): Promise<string> =>
      (await fetch(there.url("/u/alice/x"), body === undefined ? {} : { method: "POST", body })).text();
    expect(await ask()).toBe(`${name}:${httpPort}`);
    expect(await ask("x".repeat(100_000))).toBe(`${name}:${httpPort}`);
    const client = rawClient(there.port);
    client.socket.write("GET /u/alice/x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    expect(await client.closed()).toContain(`\r\n\r\n${name}:${httpPort}`);
  });

  test("a Connection header can't take away Host, or who sent it", async () => {
    const got = await podGets(["Connection: host, x-forwarded-host, x-forwarded-for"]);
    expect(got.get("host")).toEqual([`127.0.0.1:${there.pods[0]?.port}`]);
    expect([got.get("x-forwarded-host"), got.get("x-forwarded-for")]).toEqual([["app.example"], ["127.0.0.1"]]);
  });

  test("a Connection header can't take away the message's length", async () => {
    there = await world({ handler: () => (req, res) => req.pipe(res) });
    const client = rawClient(there.port);
    client.socket.write(
      "POST /u/alice/x HTTP/1.1\r\nHost: x\r\nConnection: content-length, close\r\nContent-Length: 4\r\n\r\nbody",
    );
    expect(await client.closed()).toContain("body");
  });

  test("the response's hop-by-hop and podlink- headers stay inside; repeated ones pass", async () => {
    there = await world({
      handler: () => (_req, res) => {
        res.setHeader("set-cookie", ["a=1", "b=2"]);
        res.setHeader("connection", "x-secret");
        res.setHeader("x-secret", "1");
        res.setHeader("podlink-link", "pod=1; token=2; kind=owned");
        res.setHeader("podlink-refused", "held-by");
        res.setHeader("trailer", "x-sum");
        res.setHeader("proxy-authenticate", "Basic");
        res.setHeader("x-kept", "é");
        res.end("x");
      },
    });
    const response = await fetch(there.url("/u/alice/x"));
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(response.headers.get("x-kept")).toBe("é");
    for (const name of ["x-secret", "podlink-link", "podlink-refused", "trailer", "proxy-authenticate"]) {
      expect(response.headers.get(name)).toBeNull();
    }
    expect(response.headers.get("podlink-pod")).toBe("0");
  });

  test.each([
    ["both Content-Length and Transfer-Encoding", "Content-Length: 4\r\nTransfer-Encoding: chunked"],
    ["two Content-Lengths", "Content-Length: 4\r\nContent-Length: 5"],
    ["a folded header", "X-A: 1\r\n X-B: 2"],
    ["a space before the colon", "X-A : 1"],
    ["a bare line feed", "X-A: 1\nPodlink-Uid: bob"],
    ["a NUL", "X-A: \0"],
    ["an encoding behind chunked", "Transfer-Encoding: chunked, identity"],
  ])("a request with %s is refused or arrives as one", async (_what, lines) => {
    there = await world({ handler: () => (req, res) => res.end(JSON.stringify(req.headers["podlink-uid"])) });
    const client = rawClient(there.port);
    client.socket.write(`POST /u/alice/x HTTP/1.1\r\nHost: x\r\n${lines}\r\nConnection: close\r\n\r\n`);
    client.socket.end();
    const text = await client.closed();
    expect(text.match(/^HTTP\/1.1 (4\d\d|200)/)?.[1]).toBe("400");
    expect(there.pods[0]?.pod.entered).toEqual([]);
  });

  test.each([
    ["1", 200, "2"],
    ["4", 200, "5"],
    ["5", 508, undefined],
    ["999999", 508, undefined],
    ["-1", 400, undefined],
    ["1, 1", 400, undefined],
    ["x", 400, undefined],
  ])("%s hops from outside are counted on: %i", async (hops, status, told) => {
    there = await world({ handler: () => (req, res) => res.end(req.headers["podlink-route"]) });
    const headers = { "podlink-route": `pod=test/room/7.3; hops=${hops}; token=999` };
    const response = await fetch(there.url("/u/alice/x"), { headers });
    const text = await response.text();
    expect(response.status).toBe(status);
    if (told !== undefined) expect(text).toBe(`pod=test/room/0.1; hops=${told}; token=100`);
    if (status === 508) expect(JSON.parse(text).error.code).toBe("CONFIG");
  });

  test("two gateways that send to one another end with 508 after as many hops as allowed", async () => {
    there = await world();
    there.route.addresses.set(0, { host: "127.0.0.1", httpPort: there.port });
    const response = await fetch(there.url("/u/alice/x"));
    expect(response.status).toBe(508);
    expect(there.proxy.read()).toMatchObject({ requests: 6, loops: 1 });
  });
});

describe("codecs", () => {
  test("a link survives its header, but for whose link it is", () => {
    const link = fc.record(
      {
        podIndex: fc.integer({ min: 0, max: 65_535 }),
        token: fc.maxSafeNat().map(String),
        kind: fc.constantFrom("reservation" as const, "owned" as const, "goodbye" as const),
        incarnation: fc.maxSafeNat(),
        expiresInMs: fc.maxSafeNat(),
      },
      { requiredKeys: ["podIndex", "token", "kind"] },
    );
    fc.assert(
      fc.property(link, (parts) => {
        const original = makeLink({ ...key, ...parts });
        expect(decodeLink(encodeLink({ ...original, uid: "mallory" }), key)).toEqual(original);
      }),
    );
  });

  test("a route survives its header", () => {
    const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
    const pod = fc.record({
      namespace: label,
      service: label,
      podIndex: fc.integer({ min: 0, max: 65_535 }),
      incarnation: fc.maxSafeNat(),
    });
    const route = fc.record({ pod, token: fc.maxSafeNat().map(String), hops: fc.nat(999_999) });
    fc.assert(
      fc.property(route, (said) => {
        expect(decodeRoute(encodeRoute(said))).toEqual(said);
      }),
    );
  });

  const targets = [
    "",
    "a/b/1",
    "a/b/70000.1",
    "a/b/-1.1",
    "a/b/c/1.1",
    "A/b/1.1",
    "a/b/1.99999999999999999",
    "a/b/1.1 ",
  ];
  test.each([
    ...targets.map((target) => `pod=${target}; hops=1; token=1`),
    "",
    "pod=a/b/1.1; token=1",
    "pod=a/b/1.1; hops=1",
    "hops=1; token=1",
    "pod=a/b/1.1; hops=1; token=01",
    "pod=a/b/1.1; hops=1; token=9007199254740992",
    "pod=a/b/1.1; hops=-1; token=1",
    "pod=a/b/1.1; hops=1000000; token=1",
    "pod=a/b/1.1; hops=1; hops=2; token=1",
    "pod=a/b/1.1; hops=1; token=1\n",
    "pod=a/b/1.1; hops=1; token=1, pod=a/b/1.1; hops=1; token=1",
    "pod=a/b/1.1; hops=1; token=1; zone=a, pod=a/b/1.1; hops=1; token=1",
    "pod=a/b/1.1; hops=1; token=1 zone=a",
  ])("%j is no route", (text) => {
    expect(decodeRoute(text)).toBeUndefined();
  });

  test("what a later version says behind a route is left to it", () => {
    const route = { pod: { namespace: "a", service: "b", podIndex: 1, incarnation: 1 }, hops: 2, token: "3" };
    expect(decodeRoute(`${encodeRoute(route)}; zone=a; weight=7`)).toEqual(route);
  });

  test("a uid in a header is percent-encoded as in a path, whatever it is", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" })), (uid) => {
        expect(encodeUid(uid)).toBe(encodeURIComponent(uid));
      }),
    );
  });

  test("no other text is a link, and none throws", () => {
    const parts = fc.constantFrom(
      "pod=",
      "1",
      "; token=",
      "9007199254740992",
      "; kind=owned",
      "; incarnation=",
      "; expires=",
      "x",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(parts).map((all) => all.join("")),
        ),
        (text) => {
          const link = decodeLink(text, key);
          if (link !== undefined) expect(encodeLink(link)).toBe(text);
        },
      ),
    );
    expect(decodeLink("pod=1; token=9007199254740992; kind=owned", key)).toBeUndefined();
    expect(decodeLink("pod=65536; token=1; kind=owned", key)).toBeUndefined();
    expect(decodeLink("pod=1; token=01; kind=owned", key)).toBeUndefined();
    expect(decodeLink("pod=1; token=1; kind=owned; incarnation=9999999999999999", key)).toBeUndefined();
  });

  test("no text in a header begins another one", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", maxLength: 20 }), { maxLength: 12 }), (texts) => {
        const headers = texts.length % 2 === 0 ? texts : texts.slice(1);
        const lines = headText(200, headers).split("\r\n");
        expect(lines).toHaveLength(headers.length / 2 + 3);
        expect(lines.join("")).not.toMatch(/[\r\n\0]/);
      }),
    );
  });

  test("what Connection names is read whatever its spelling", () => {
    expect(namedBy("TE", namedBy("X-A , x-b"))).toEqual(new Set(["x-a", "x-b", "te"]));
    expect(namedBy("keep-alive")).toBeUndefined();
    expect(namedBy("Content-Length, Content-Type , set-cookie")).toEqual(new Set());
  });
});
