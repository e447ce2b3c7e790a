import { afterEach, describe, expect, test } from "vitest";
import { linkTo } from "./support/table-route.ts";
import type { Handler, World } from "./support/world.ts";
import { errorOf, eventually, rawClient, world } from "./support/world.ts";

let there: World;
afterEach(() => there.close());

const LONG_MS = 60_000;

/** Pod 0 takes every request and answers none; what it has got. */
function silentPod(got: string[]): (podIndex: number) => Handler {
  return (podIndex) => (req, res) => {
    if (podIndex === 0) got.push(req.url ?? "");
    else res.end("1");
  };
}

const endOfPodZero = (incarnation = 1): void => there.route.podEnds.emit({ podIndex: 0, incarnation });

describe("a request whose pod is gone without a word", () => {
  test("ends as soon as that is known: 502 with Retry-After, outcome unknown, and nobody gets it a second time", async () => {
    const got: string[] = [];
    there = await world({ handler: silentPod(got), proxy: { responseTimeoutMs: LONG_MS, holdMs: LONG_MS } });
    const answered = fetch(there.url("/u/alice/x"), { method: "POST", body: "change" });
    await eventually(() => got.length).toBe(1);
    there.route.believed.set("alice", linkTo("alice", 1, "150"));
    endOfPodZero();
    const response = await answered;
    expect([response.status, response.headers.get("retry-after")]).toEqual([502, "1"]);
    expect(await errorOf(response)).toMatchObject({ code: "POD_UNAVAILABLE", outcome: "unknown" });
    expect(there.pods.map(({ pod }) => pod.entered.length)).toEqual([1, 0]);
    expect(there.proxy.read()).toMatchObject({ podEnded: 1, held: 0, running: 0, timeouts: 0, broken: 0 });
    expect(await (await fetch(there.url("/u/alice/x"))).text()).toBe("1");
  });

  test("of unknown length, over a connection of its own, ends in the same way", async () => {
    const got: string[] = [];
    there = await world({ handler: silentPod(got), proxy: { responseTimeoutMs: LONG_MS } });
    const client = rawClient(there.port);
    client.socket.write("POST /u/alice/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
    await eventually(() => got.length).toBe(1);
    endOfPodZero();
    expect(await client.until('"outcome":"unknown"')).toMatch(/^HTTP\/1.1 502 /);
    client.socket.destroy();
  });

  test("in the middle of its response is cut", async () => {
    there = await world({
      handler: () => (_req, res) => void res.write("begun"),
      proxy: { responseTimeoutMs: LONG_MS },
    });
    const response = await fetch(there.url("/u/alice/x"));
    const text = response.text();
    endOfPodZero();
    await expect(text).rejects.toThrow("terminated");
    expect(there.proxy.read()).toMatchObject({ podEnded: 1, running: 0 });
  });

  test("but which never left is sent to the pod that has its user now", async () => {
    const got: string[] = [];
    const proxy = { responseTimeoutMs: LONG_MS, holdMs: LONG_MS, maxConnectionsPerPod: 1 };
    there = await world({ handler: silentPod(got), proxy });
    const first = fetch(there.url("/u/alice/first"));
    await eventually(() => got).toEqual(["/u/alice/first"]);
    const second = fetch(there.url("/u/bob/second"), { method: "POST", body: "change" });
    await eventually(() => there.proxy.read()["running"]).toBe(2);
    await eventually(() => there.route.asked).toBe(2);
    there.route.believed.set("bob", linkTo("bob", 1, "150"));
    endOfPodZero();
    expect((await first).status).toBe(502);
    const response = await second;
    expect([response.status, await response.text()]).toEqual([200, "1"]);
    expect(got).toEqual(["/u/alice/first"]);
  });

  test("waits on when it was another pod, or an earlier life of its own", async () => {
    let answer = (): void => undefined;
    there = await world({ handler: () => (_req, res) => void (answer = () => res.end("in time")) });
    there.route.incarnations.set(0, 7);
    const answered = fetch(there.url("/u/alice/x"));
    await eventually(() => there.pods[0]?.pod.running).toBe(1);
    there.route.podEnds.emit({ podIndex: 1, incarnation: 9 });
    endOfPodZero(6);
    answer();
    expect(await (await answered).text()).toBe("in time");
    expect(there.proxy.read()).toMatchObject({ podEnded: 0 });
  });

  test("and a handshake of a WebSocket too", async () => {
    there = await world({ proxy: { responseTimeoutMs: LONG_MS } });
    let asked = 0;
    there.pods[0]?.server.on("upgrade", () => (asked += 1));
    const client = rawClient(there.port);
    client.socket.write("GET /u/alice/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    await eventually(() => asked).toBe(1);
    endOfPodZero();
    expect(await client.closed()).toMatch(/^HTTP\/1.1 502 [^]*"outcome":"unknown"/);
  });
});

test("a closed proxy hears of no pod any more", async () => {
  there = await world();
  expect(there.route.podEnds.size).toBe(1);
  await there.proxy.close();
  expect(there.route.podEnds.size).toBe(0);
});
