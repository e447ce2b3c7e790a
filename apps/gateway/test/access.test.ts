import { connect as connectSocket } from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, describe, expect, test } from "vitest";
import { RouteError } from "@podlink/types";
import { startGateway } from "@podlink/gateway";
import type { GatewayOptions } from "@podlink/gateway";
import type { Place } from "./support/place.ts";
import { openPlace } from "./support/place.ts";

let place: Place | undefined;
afterEach(async () => {
  await place?.close();
  place = undefined;
});

const refusal = async (options: Partial<GatewayOptions>): Promise<unknown> => {
  const podlink = { service: () => expect.fail("nothing is started"), health: () => ({ healthy: true }) };
  return startGateway({ podlink, port: 0, ...options }).then(
    () => "started",
    (error: unknown) => (RouteError.is(error) ? `${error.code} ${error.message}` : error),
  );
};

describe("strangers", () => {
  test.each(["0.0.0.0", "::", "192.0.2.1", "gateway.example"])(
    "can't come to %s without authorize or allowAnonymous",
    async (host) => {
      expect(await refusal({ host })).toMatch(/^CONFIG gateway.host/);
    },
  );

  test.each([
    [{ host: "0.0.0.0", authorize: () => true, allowAnonymous: true }, "contradict"],
    [{ authorise: () => true }, "authorise"],
    [{ port: 70_000 }, "port"],
    [{ logLevel: "loud" as never }, "logLevel"],
    [{ limits: { maxHeaderBytes: 1 } }, "maxHeaderBytes"],
  ])("fault 23: the options %j are refused", async (options, named) => {
    expect(await refusal(options as Partial<GatewayOptions>)).toMatch(new RegExp(`^CONFIG [^]*${named}`));
  });

  test("from elsewhere are 403 when neither is given", async () => {
    const { admission } = await import("../src/access.ts");
    const admit = admission({ allowAnonymous: false });
    const from = (remoteAddress: string): unknown => admit({ socket: { remoteAddress } } as never, "alice");
    for (const address of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]) expect(from(address)).toBe(true);
    for (const address of ["192.0.2.1", "::ffff:10.0.0.1", "fe80::1", ""])
      expect(() => from(address)).toThrow("this machine");
  });

  test("reach a gateway that says allowAnonymous", async () => {
    place = await openPlace({ pods: 1, gateway: { host: "0.0.0.0", allowAnonymous: true } });
    const outside =
      Object.values(networkInterfaces())
        .flat()
        .find((one) => one?.family === "IPv4" && !one.internal)?.address ?? "127.0.0.1";
    const response = await fetch(`http://${outside}:${place.gateway.port}/s/room/u/alice/x`);
    expect(response.status).toBe(200);
    await response.text();
  });
});

describe("authorize", () => {
  test("decides for each uid and for listings, and its errors keep their code", async () => {
    const asked: unknown[] = [];
    place = await openPlace({
      pods: 1,
      gateway: {
        authorize: async (req, uid) => {
          asked.push(uid);
          if (req.headers.authorization === undefined) throw new RouteError("UNAUTHENTICATED", "who are you");
          return Promise.resolve(req.headers.authorization === `Bearer ${uid ?? "admin"}`);
        },
      },
    });
    const ask = async (path: string, token?: string): Promise<number> => {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const response = await fetch(`${place?.gateway.url}${path}`, { headers });
      await response.text();
      return response.status;
    };
    expect(await ask("/s/room/u/alice/x", "alice")).toBe(200);
    expect(await ask("/s/room/u/bob/x", "alice")).toBe(403);
    expect(await ask("/s/room/u/alice/x")).toBe(401);
    expect(await ask("/s/room/pods", "alice")).toBe(403);
    expect(await ask("/s/room/pods", "admin")).toBe(200);
    expect(await ask("/health")).toBe(200);
    expect(asked).toEqual(["alice", "bob", "alice", undefined, undefined]);
  });

  test("that answers anything but true lets nobody in", async () => {
    place = await openPlace({ pods: 1, gateway: { authorize: (() => ({})) as never } });
    expect((await fetch(`${place.gateway.url}/s/room/u/alice/x`)).status).toBe(403);
  });

  test("is asked for WebSockets too", async () => {
    place = await openPlace({ pods: 1, gateway: { authorize: () => false } });
    const socket = connectSocket(place.gateway.port, "127.0.0.1");
    socket.write("GET /s/room/u/alice/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    const [chunk] = (await new Promise<Buffer[]>((resolve) => socket.once("data", (data) => resolve([data])))) as [
      Buffer,
    ];
    expect(chunk.toString()).toMatch(/^HTTP\/1.1 403 /);
    socket.destroy();
  });
});
