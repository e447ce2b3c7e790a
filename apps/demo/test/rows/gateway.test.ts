import { once } from "node:events";
import type { Server } from "node:http";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { faultRow } from "@podlink/faults";
import { freePort, startFaultProxy } from "@podlink/testkit";
import { startRedis } from "@podlink/testkit/redis";
import { expect, vi } from "vitest";
import { uidsOf } from "../support/users.ts";
import { RawRequest } from "./support/raw-request.ts";
import { SmallGateway } from "./support/small-gateway.ts";
import { SmallPod } from "./support/small-pod.ts";

const statusOf = async (url: string, init?: RequestInit): Promise<number> => {
  const response = await fetch(url, init);
  await response.arrayBuffer();
  return response.status;
};

faultRow(
  65,
  "two gateways whose pods are registered at the address of the ingress in front of them: 508",
  async (row) => {
    await using redis = await startRedis();
    const [first, second] = [await freePort(), await freePort()];
    const turns = [first, second];
    let passed = 0;
    // What stands in front of both: it sends every path to one gateway or the other, in turn, under the service's prefix.
    const ingress = createServer((req, res) => {
      const port = turns[passed++ % turns.length];
      const path = (req.url ?? "").startsWith("/u/") ? `/s/room${req.url}` : req.url;
      const onward = request({ host: "127.0.0.1", port, path, method: req.method, headers: req.headers }, (answer) => {
        res.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(res);
      });
      onward.on("error", () => res.destroy());
      req.pipe(onward);
    });
    ingress.listen(0, "127.0.0.1");
    await once(ingress, "listening");
    try {
      const { port } = ingress.address() as AddressInfo;
      await using pod = await row.inject("process", "a pod registers at the address of its gateways' ingress", () =>
        SmallPod.start({ redis: redis.url, podIndex: 0, registered: async () => ({ host: "127.0.0.1", port }) }),
      );
      await using a = await SmallGateway.start(redis.url, { port: first });
      await using b = await SmallGateway.start(redis.url, { port: second });
      const url = `http://127.0.0.1:${port}/s/room/u/ann/where`;
      for (const method of ["GET", "POST"]) {
        passed = 0;
        const response = await row.request(() => fetch(url, { method }));
        expect(response.status).toBe(508);
        expect(await response.json()).toMatchObject({ error: { retryable: false, outcome: "not-applied" } });
        expect(passed, "five gateways, and the one that said no").toBe(6);
      }
      // A caller can't make the way longer by what it says.
      passed = 0;
      const said = (hops: number) => ({ headers: { "podlink-route": `pod=test/room/0.1; hops=${hops}; token=1` } });
      expect(await row.request(() => statusOf(url, said(-100)))).toBe(400);
      expect(await row.request(() => statusOf(url, said(0)))).toBe(508);
      expect(passed).toBeLessThanOrEqual(7);
      expect(Number(a.read()["loops"]) + Number(b.read()["loops"])).toBe(3);
      expect(a.read()["repeats"]).toBe(0);
      expect(pod.pod.driver.state.phase).toBe("running");
      row.saw("508 by the sixth gateway, GET and POST");
    } finally {
      await closed(ingress);
    }
  },
);

faultRow(
  66,
  "a pod that answers errors half of the time, or whose line breaks as often, gets each request once",
  async (row) => {
    await using redis = await startRedis();
    let reached = 0;
    let status = 500;
    const lines: Awaited<ReturnType<typeof startFaultProxy>>[] = [];
    await using pod = await SmallPod.start({
      redis: redis.url,
      podIndex: 0,
      answer: (_req, res) => {
        reached += 1;
        const isGood = reached % 2 === 0;
        res.writeHead(isGood ? 200 : status, isGood ? {} : { "retry-after": "0" });
        res.end();
      },
      registered: async (port) => {
        const line = await startFaultProxy({ target: { host: "127.0.0.1", port }, seed: 1 });
        lines.push(line);
        return { host: line.host, port: line.port };
      },
    });
    await using line = lines[0]!;
    await using gateway = await SmallGateway.start(redis.url);
    const uids = uidsOf(20);
    const storm = async (): Promise<{ asked: number; good: number; repeats: number }> => {
      const from = { reached, repeats: gateway.read()["repeats"] ?? 0 };
      const answers: number[] = [];
      for (let turn = 0; turn < 10; turn += 1) {
        answers.push(
          ...(await Promise.all(uids.map((uid) => row.request(() => statusOf(gateway.path(uid), { method: "POST" }))))),
        );
      }
      const asked = answers.length;
      const repeats = (gateway.read()["repeats"] ?? 0) - from.repeats;
      expect(reached - from.reached, "repeats are at most 10 % of the traffic").toBeLessThanOrEqual(1.1 * asked);
      expect(repeats).toBeLessThanOrEqual(0.1 * asked);
      return { asked, good: answers.filter((answer) => answer === 200).length, repeats };
    };

    const seen: string[] = [];
    for (status of [500, 502, 503]) {
      const { asked, good, repeats } = await row.inject(
        "process",
        `a pod answers ${status} to every other request`,
        storm,
      );
      expect(good).toBe(asked / 2);
      seen.push(`${status}: ${repeats} repeats of ${asked}`);
    }
    for (const fault of ["reset", "loseReply"] as const) {
      const direction = fault === "reset" ? ({ direction: "toServer" } as const) : {};
      const rule = row.proxy(line).add({ fault, share: 0.5, ...direction });
      const { asked, good, repeats } = await storm();
      expect(rule.fired).toBeGreaterThan(asked / 10);
      expect(good).toBeLessThan(asked);
      rule.end();
      seen.push(`${fault}: ${repeats} repeats of ${asked}`);
    }
    expect(gateway.read()["running"]).toBe(0);
    expect(pod.pod.driver.state.phase).toBe("running");
    row.saw(seen.join("; "));
  },
);

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

const limits = { headersTimeoutMs: 400, requestTimeoutMs: 800, checkIntervalMs: 50 };

faultRow(64, "slow requests are timed out, huge heads refused, and other callers notice nothing", async (row) => {
  await using redis = await startRedis();
  let reached = 0;
  await using pod = await SmallPod.start({
    redis: redis.url,
    podIndex: 0,
    answer: (req, res) => {
      reached += 1;
      req.resume().on("end", () => res.end("good"));
    },
  });
  await using gateway = await SmallGateway.start(redis.url, { limits });
  await using line = await startFaultProxy({ target: { host: "127.0.0.1", port: gateway.gateway.port } });
  expect(await statusOf(gateway.path("ann"))).toBe(200);
  const target = new URL(gateway.path("ann")).pathname;

  // Forty heads that come a byte or two at a time, and as many bodies.
  row.proxy(line).add({ fault: "throttle", direction: "toServer", bytesPerSecond: 20 });
  reached = 0;
  const slow = await Promise.all(Array.from({ length: 40 }, () => RawRequest.open(line.url("http"))));
  const askedAtMs = performance.now();
  const answers = slow.map((one) =>
    row.request(() => {
      one.write(`GET ${target} HTTP/1.1\r\nhost: gateway\r\nx-padding: ${"x".repeat(4000)}\r\n\r\n`);
      return one.answer();
    }),
  );
  const good = async (): Promise<void> => {
    for (let count = 0; count < 20; count += 1) expect(await statusOf(gateway.path("ben"))).toBe(200);
  };
  await good();
  for (const { status } of await Promise.all(answers)) expect(status).toBe(408);
  expect(reached, "no slow head reached the pod").toBe(20);
  const timedOutMs = performance.now() - askedAtMs;

  const dripping = await RawRequest.open(gateway.url);
  const dripped = row.request(() => {
    dripping.write(`POST ${target} HTTP/1.1\r\nhost: gateway\r\ncontent-length: 1000\r\n\r\nx`);
    return dripping.answer();
  });
  expect((await dripped).status).toBe(408);
  await vi.waitFor(() => expect(gateway.read()["running"], "and the pod's part is given up").toBe(0), 5000);

  const huge = await RawRequest.open(gateway.url);
  await row.inject("process", "a head of 40 KB", async () => {
    huge.write(`GET ${target} HTTP/1.1\r\nhost: gateway\r\nx-huge: ${"x".repeat(40_000)}\r\n\r\n`);
    expect((await row.request(() => huge.answer())).status).toBe(431);
  });
  await good();
  expect(pod.pod.driver.state.phase).toBe("running");
  row.saw(`40 slow heads 408 after ${Math.round(timedOutMs)} ms, a slow body 408, a head of 40 KB 431; others served`);
});

faultRow(64, "a caller that goes away takes its request at the pod with it", async (row) => {
  await using redis = await startRedis();
  const waiting = new Set<string>();
  const cancelled = new Set<string>();
  await using pod = await SmallPod.start({
    redis: redis.url,
    podIndex: 0,
    answer: (req, res) => {
      const uid = String(req.headers["podlink-uid"]);
      waiting.add(uid);
      res.on("close", () => cancelled.add(uid));
      if (uid.startsWith("stream")) res.write("one, "); // and never ends
    },
  });
  await using gateway = await SmallGateway.start(redis.url);
  await using line = await startFaultProxy({ target: { host: "127.0.0.1", port: gateway.gateway.port } });
  const uids = [...uidsOf(10, "silent"), ...uidsOf(10, "stream")];
  const asked = uids.map((uid) => {
    const path = new URL(gateway.path(uid)).pathname;
    return row
      .request(() => fetch(`${line.url("http")}${path}`).then((response) => response.text()))
      .catch(() => "gone");
  });
  await vi.waitFor(() => expect(waiting.size).toBe(uids.length), 10_000);
  expect(gateway.read()["running"]).toBe(uids.length);
  expect(cancelled.size).toBe(0);
  row.proxy(line).reset();
  expect(new Set(await Promise.all(asked))).toEqual(new Set(["gone"]));
  await vi.waitFor(() => expect(cancelled).toEqual(new Set(uids)), 5000);
  expect(gateway.read()).toMatchObject({ running: 0, aborted: uids.length, repeats: 0 });
  expect(pod.pod.driver.state.phase).toBe("running");
  row.saw(`${uids.length} callers reset, as many requests cancelled at the pod`);
});
