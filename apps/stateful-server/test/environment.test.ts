import { silentLogger } from "@podlink/types";
import { describe, expect, test } from "vitest";
import { roomFromEnvironment, sessionStoreFromEnvironment } from "../src/environment.ts";
import { parseLimits } from "../src/options.ts";
import { lastSeen, routeOf } from "../src/routes.ts";

describe("the environment", () => {
  test("has defaults for everything", () => {
    expect(roomFromEnvironment({})).toEqual({ host: "0.0.0.0", port: 3000, pod: {} });
  });

  test("names port, host, pod and idleness", () => {
    const env = {
      PORT: "0",
      HOST: "127.0.0.1",
      NAMESPACE: "prod",
      SERVICE: "room",
      POD_INDEX: "0",
      IDLE_MS: "50",
      STORE: "embedded",
    };
    expect(roomFromEnvironment(env)).toEqual({
      host: "127.0.0.1",
      port: 0,
      idleMs: 50,
      pod: { namespace: "prod", service: "room", podIndex: 0, store: "embedded" },
    });
  });

  test("names Redis and the times of the drain", () => {
    const env = {
      REDIS_URL: "redis://localhost",
      HEARTBEAT_INTERVAL_MS: "500",
      PROPAGATION_MS: "300",
      HAND_OFF_TIMEOUT_MS: "1000",
      STOP_DEADLINE_MS: "3000",
    };
    const server = { heartbeatIntervalMs: 500, propagationMs: 300, handOffTimeoutMs: 1000, stop: { deadlineMs: 3000 } };
    expect(roomFromEnvironment(env).pod).toEqual({ redis: "redis://localhost", server });
    expect(roomFromEnvironment({ REDIS_URL: "" }).pod).toEqual({});
  });

  test.each([{ PORT: "http" }, { POD_INDEX: "-1" }, { STORE: "redis" }])(
    "is refused when it breaks a rule: %o",
    (env) => {
      const [name] = Object.keys(env);
      expect(() => roomFromEnvironment(env)).toThrow(
        expect.objectContaining({ code: "CONFIG", message: expect.stringContaining(String(name)) }),
      );
    },
  );
});

describe("where sessions are kept", () => {
  const room = { pod: { namespace: "prod", service: "room" } };

  test("without Redis: nowhere that other processes see", () => {
    expect(sessionStoreFromEnvironment({}, room, silentLogger)).toBeUndefined();
  });

  test.each([
    { REDIS_URL: "redis://127.0.0.1:1" },
    { SESSION_REDIS_URL: "redis://127.0.0.1:1" },
    { REDIS_URL: "none", SESSION_REDIS_URL: "redis://127.0.0.1:1", SESSION_TTL_MS: "60000" },
  ])("on Redis: %j", async (env) => {
    const store = sessionStoreFromEnvironment(env, room, silentLogger);
    expect(store).toBeDefined();
    await store?.close();
  });

  test.each([
    [{ SESSION_TTL_MS: "60000" }, "SESSION_TTL_MS"],
    [{ REDIS_URL: "redis://127.0.0.1:1", SESSION_TTL_MS: "5" }, "ttlMs"],
    [{ REDIS_URL: "redis://127.0.0.1:1", SESSION_TTL_MS: "soon" }, "SESSION_TTL_MS"],
    [{ SESSION_REDIS_URL: "localhost" }, "url"],
  ])("%j is refused", (env, name) => {
    expect(() => sessionStoreFromEnvironment(env, room, silentLogger)).toThrow(
      expect.objectContaining({ code: "CONFIG", message: expect.stringContaining(name) as string }),
    );
  });
});

test("fault 23: a limit that isn't known is refused", () => {
  expect(() => parseLimits({ maxRooms: 5 } as never)).toThrow(expect.objectContaining({ code: "CONFIG" }));
  expect(() => parseLimits({ port: 70_000 })).toThrow(expect.objectContaining({ code: "CONFIG" }));
});

describe("paths", () => {
  test.each([
    ["/u/alice/state", { kind: "room", name: "state", uid: "alice" }],
    ["/u/a%2Fb/incr?x=1", { kind: "room", name: "incr", uid: "a/b" }],
    ["/u/%C3%A4/live?last=3", { kind: "room", name: "live", uid: "ä" }],
    ["/health", { kind: "pod", name: "health" }],
    ["/ready?", { kind: "pod", name: "ready" }],
    ["/", undefined],
    ["/u/alice", undefined],
    ["/u//state", undefined],
    ["/u/a/b/state", undefined],
    ["/u/alice/state/", undefined],
    ["/u/alice/toString", undefined],
    [undefined, undefined],
  ])("%s", (target, route) => {
    expect(routeOf(target)).toEqual(route);
  });

  test("a uid that isn't percent-encoded UTF-8 is refused", () => {
    expect(() => routeOf("/u/%ff/state")).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });

  test.each([
    ["/u/a/live", undefined],
    ["/u/a/live?last=0", 0],
    ["/u/a/live?x=1&last=12", 12],
  ])("last seen: %s", (target, last) => {
    expect(lastSeen(target)).toBe(last);
  });

  test.each(["", "-1", "1.5", "x", "99999999999999999"])("last seen is refused: %j", (value) => {
    expect(() => lastSeen(`/u/a/live?last=${value}`)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });
});
