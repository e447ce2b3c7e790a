import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { joinAsPod } from "podlink";
import { afterEach, describe, expect, test, vi } from "vitest";
import { MemoryExecutor } from "@podlink/memory-executor";
import { expectNothingLeftOpen, faultyStore } from "@podlink/testkit";
import type { RawData } from "ws";
import { WebSocket, WebSocketServer } from "ws";
import type { Handler, Place, PlaceOptions } from "./support/place.ts";
import { eventually, openPlace } from "./support/place.ts";

let place: Place;
afterEach(() => place.close());

const open = async (options?: PlaceOptions): Promise<Place> => (place = await openPlace(options));
const textOf = (data: RawData): string => (data as Buffer).toString();
const never: Handler = () => undefined;

interface Health {
  status: number;
  body: { status: string; reason?: string };
}
async function health(): Promise<Health> {
  const response = await fetch(`${place.gateway.url}/health`);
  return { status: response.status, body: (await response.json()) as Health["body"] };
}

describe("/health", () => {
  test("is 200 when the gateway can route, and makes no store call", async () => {
    const faulty = faultyStore(new MemoryExecutor());
    await open({ pods: 0, store: faulty.store });
    const before = { ...faulty.calls };
    expect(await health()).toEqual({ status: 200, body: { status: "ok" } });
    expect(faulty.calls).toEqual(before);
  });

  test("is 503 and why when no pod is available, and again 200 when one is", async () => {
    await open({ pods: 0, gateway: { services: ["room"] } });
    expect(await health()).toEqual({ status: 503, body: { status: "unavailable", reason: "no pod is available" } });
    const server = { heartbeatIntervalMs: 100, leaseMs: 1000, leaseMarginMs: 100, propagationMs: 0 };
    const pod = await joinAsPod({ store: place.store, namespace: "test", service: "room", podIndex: 0, server });
    pod.ready();
    await vi.waitFor(async () => expect(await health()).toEqual({ status: 200, body: { status: "ok" } }), 20_000);
    await pod.stop();
    await vi.waitFor(async () => expect((await health()).status).toBe(503), 20_000);
  });

  test("tells a store that can't be reached from one that needn't be", async () => {
    let healthy = true;
    const pods: { goodbye: boolean; available: boolean }[] = [];
    const { healthOf } = await import("../src/health.ts");
    const podlink = { health: () => (healthy ? { healthy } : { healthy, reason: "refused" }) } as never;
    const services = [{ handle: { pods: () => pods }, isExpected: false }] as never;
    expect(healthOf(podlink, services)).toEqual({ status: "ok" });
    pods.push({ goodbye: false, available: false });
    expect(healthOf(podlink, services)).toEqual({ status: "unavailable", reason: "no pod is available" });
    healthy = false;
    expect(healthOf(podlink, services)).toEqual({
      status: "unavailable",
      reason: "the store can't be reached: refused",
    });
    pods.push({ goodbye: false, available: true });
    expect(healthOf(podlink, services)).toMatchObject({ status: "degraded" });
    await open({ pods: 0 });
  });
});

describe("closing", () => {
  test("lets requests end, accepts nothing more, and leaves nothing open", async () => {
    await expectNothingLeftOpen(async () => {
      let answer: (() => void) | undefined;
      await open({ pods: 1, handler: () => (_req, res) => void (answer = () => res.end("done")) });
      const running = fetch(`${place.gateway.url}/s/room/u/alice/x`);
      await eventually(() => answer !== undefined).toBe(true);
      const { url } = place.gateway;
      const closed = place.gateway.close({ deadlineMs: 5000 });
      await expect(fetch(`${url}/health`)).rejects.toThrow();
      answer?.();
      expect(await (await running).text()).toBe("done");
      await closed;
      await place.close();
    });
  });

  test("cuts at the deadline what has not ended", async () => {
    await open({ pods: 1, handler: () => never });
    const running = fetch(`${place.gateway.url}/s/room/u/alice/x`);
    await eventually(() => place.gateway.read()["running"]).toBe(1);
    await place.gateway.close({ deadlineMs: 30 });
    expect((await running).status).toBe(503);
  });

  test("a second time hurries", async () => {
    await open({ pods: 1, handler: () => never });
    const running = fetch(`${place.gateway.url}/s/room/u/alice/x`);
    await eventually(() => place.gateway.read()["running"]).toBe(1);
    const first = place.gateway.close({ deadlineMs: 60_000 });
    await place.gateway.close();
    await first;
    expect((await running).status).toBe(503);
  });
});

describe("WebSockets", () => {
  test("are relayed, say who answered, and end when the gateway closes", async () => {
    await open({ pods: 2 });
    const servers = place.pods.map(({ server, guard, podIndex }) => {
      const sockets = new WebSocketServer({ noServer: true });
      server.on("upgrade", (req: IncomingMessage, socket: Duplex, head: Buffer) => {
        void guard.upgrade(req, socket, head).then((entry) => {
          if (entry === undefined) return;
          sockets.handleUpgrade(req, socket, head, (ws) =>
            ws.on("message", (data) => ws.send(`${podIndex}: ${textOf(data)}`)),
          );
          entry.leave();
        });
      });
      return sockets;
    });
    const client = new WebSocket(`ws://127.0.0.1:${place.gateway.port}/s/room/u/alice/live`);
    let pod: unknown;
    client.once("upgrade", (response) => (pod = response.headers["podlink-pod"]));
    await new Promise((resolve, reject) => client.once("open", resolve).once("error", reject));
    const echoed = new Promise((resolve) => client.once("message", (data) => resolve(textOf(data))));
    client.send("hello");
    expect(await echoed).toBe(`${String(pod)}: hello`);
    const closed = new Promise((resolve) => client.once("close", resolve));
    await place.gateway.close({ deadlineMs: 1000 });
    expect(await closed, "to come back through another gateway").toBe(1012);
    for (const server of servers) server.close();
  });
});

test("the log level can be changed while running", async () => {
  await open({ pods: 0, gateway: { logLevel: "error" } });
  expect(place.gateway.logLevel).toBe("error");
  place.gateway.setLogLevel("debug");
  expect(place.gateway.logLevel).toBe("debug");
  place.gateway.setLogLevel("silent");
  expect(() => place.gateway.setLogLevel("loud" as never)).toThrow("loud");
});
