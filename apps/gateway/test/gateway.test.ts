import { afterEach, describe, expect, test } from "vitest";
import type { Place, PlaceOptions } from "./support/place.ts";
import { eventually, openPlace } from "./support/place.ts";

let place: Place;
afterEach(() => place.close());

async function get(path: string, init?: RequestInit): Promise<{ status: number; headers: Headers; body: never }> {
  const response = await fetch(`${place.gateway.url}${path}`, init);
  return { status: response.status, headers: response.headers, body: (await response.json()) as never };
}
const open = async (options?: PlaceOptions): Promise<void> => void (place = await openPlace(options));

describe("a user's request", () => {
  test("reaches one pod and keeps reaching it, through another gateway too", async () => {
    await open({ pods: 3 });
    const other = await place.startGateway();
    for (let user = 0; user < 12; user += 1) {
      const first = await get(`/s/room/u/user-${user}/state`);
      const pod = first.headers.get("podlink-pod");
      expect([first.status, first.body]).toEqual([
        200,
        { pod: Number(pod), method: "GET", url: `/u/user-${user}/state` },
      ]);
      const again = await fetch(`${other.url}/s/room/u/user-${user}/incr`, { method: "POST", body: "x" });
      expect(again.headers.get("podlink-pod")).toBe(pod);
      await again.text();
    }
  });

  test.each([
    ["/s/room/u/a%2Fb%20c/x//y%2e?z=%2F&&", "/u/a%2Fb%20c/x//y%2e?z=%2F&&"],
    ["/s/room/u/%61lice/x", "/u/alice/x"],
    ["/s/room/u/alice", "/u/alice"],
    ["/s/room/u/alice?x=1", "/u/alice?x=1"],
    ["/s/room/u/alice/", "/u/alice/"],
    ["/s/room/u/a;b@c:d/x", "/u/a%3Bb%40c%3Ad/x"],
  ])("%s becomes %s for the pod", async (path, podPath) => {
    await open({ pods: 1 });
    expect((await get(path)).body).toMatchObject({ url: podPath });
  });

  test("whose pod was drained goes on elsewhere", async () => {
    await open({ pods: 2 });
    const before = Number((await get("/s/room/u/alice/x")).headers.get("podlink-pod"));
    await place.pods[before]?.stop();
    const after = await get("/s/room/u/alice/x");
    expect([after.status, Number(after.headers.get("podlink-pod"))]).toEqual([200, 1 - before]);
  });

  test.each([
    ["/s/room/u/%00/x", 400, "INVALID_ARGUMENT"],
    ["/s/room/u/%zz/x", 400, "INVALID_ARGUMENT"],
    ["/s/room/u//x", 400, "INVALID_ARGUMENT"],
    ["/s/Room/u/alice/x", 400, "INVALID_ARGUMENT"],
    ["/s/-/pods", 400, "INVALID_ARGUMENT"],
    ["/s/nobody/u/alice/x", 404, "SERVICE_NOT_FOUND"],
    ["/s/nobody/pods", 404, "SERVICE_NOT_FOUND"],
    ["/", 404, "INVALID_ARGUMENT"],
    ["/s/room", 404, "INVALID_ARGUMENT"],
    ["/s/room/pods/x", 404, "INVALID_ARGUMENT"],
  ])("%s is %i %s", async (path, status, code) => {
    await open({ pods: 1 });
    expect(await get(path)).toMatchObject({ status, body: { error: { code } } });
  });

  test.each([
    ["/health", "POST", "GET, HEAD"],
    ["/s/room/pods", "DELETE", "GET, HEAD"],
  ])("%s by %s is 405 and says what is allowed", async (path, method, allow) => {
    await open({ pods: 1 });
    const answer = await get(path, { method });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, allow]);
  });

  test("for a service that this gateway isn't for is 404, and no name beyond maxServices is taken up", async () => {
    await open({ pods: 1, gateway: { services: ["other"] } });
    expect((await get("/s/room/u/alice/x")).status).toBe(404);
    const narrow = await place.startGateway({ maxServices: 1 });
    expect((await fetch(`${narrow.url}/s/room/u/alice/x`)).status).toBe(200);
    expect((await fetch(`${narrow.url}/s/second/u/alice/x`)).status).toBe(404);
  });
});

describe("the listing", () => {
  const anyNumber = expect.any(Number) as number;
  const listed = async (query = ""): Promise<Record<string, unknown>[]> => {
    const { body } = await get(`/s/room/pods${query}`);
    return body;
  };

  test("shows the pods as the gateway sees them", async () => {
    await open({ pods: 2 });
    const { status, body } = await get("/s/room/pods");
    expect(status).toBe(200);
    expect(body).toEqual(
      place.pods.map(({ podIndex, server }) => ({
        podIndex,
        incarnation: anyNumber,
        serviceState: "Ready",
        routingState: "Ready",
        loadScore: anyNumber,
        linkCount: 0,
        address: { host: "127.0.0.1", httpPort: (server.address() as { port: number }).port },
        metadata: { pid: "7" },
        alive: true,
        available: true,
        routable: true,
        warmth: anyNumber,
        lastReportAgeMs: anyNumber,
        leaseEndsInMs: anyNumber,
        links: "served",
        seen: { readingsFail: false, readingAgeMs: anyNumber, panic: false },
      })),
    );
  });

  test("leaves out a pod that said goodbye, unless all are asked for", async () => {
    await open({ pods: 2 });
    await get("/s/room/pods");
    await place.pods[1]?.stop();
    await eventually(async () => (await listed()).map(({ podIndex }) => podIndex)).toEqual([0]);
    expect(await listed("?all")).toMatchObject([
      { podIndex: 0, routable: true, links: "served" },
      { podIndex: 1, routable: false, notRoutable: "goodbye", links: "moving", notAvailableForMs: anyNumber },
    ]);
  });
});
