import { expect, test } from "vitest";
import { gatewayFromEnvironment } from "@podlink/gateway";

test("an empty environment means the defaults", () => {
  expect(gatewayFromEnvironment({})).toEqual({
    connection: {},
    gateway: {
      port: 8080,
      host: "127.0.0.1",
      allowAnonymous: false,
      logLevel: "info",
      closeDeadlineMs: 10_000,
      proxy: { holdMs: 0 },
    },
  });
});

test("every variable counts", () => {
  const variables = {
    PORT: "81",
    HOST: "0.0.0.0",
    PODLINK_NAMESPACE: "prod",
    PODLINK_STORE: "embedded",
    SERVICES: "room, chat",
    ALLOW_ANONYMOUS: "true",
    LOG_LEVEL: "debug",
    CLOSE_DEADLINE_MS: "5",
    HOLD_MS: "7000",
    HOME: "/root",
  };
  expect(gatewayFromEnvironment(variables)).toEqual({
    connection: { namespace: "prod", store: "embedded" },
    gateway: {
      port: 81,
      host: "0.0.0.0",
      allowAnonymous: true,
      logLevel: "debug",
      closeDeadlineMs: 5,
      proxy: { holdMs: 7000 },
      services: ["room", "chat"],
    },
  });
});

test("REDIS_URL is the store; empty it is none", () => {
  const { connection } = gatewayFromEnvironment({ REDIS_URL: "redis://localhost", PODLINK_NAMESPACE: "prod" });
  expect(connection).toEqual({ namespace: "prod", redis: "redis://localhost" });
  expect(gatewayFromEnvironment({ REDIS_URL: "" }).connection).toEqual({});
});

test.each([
  ["PORT", "eighty"],
  ["ALLOW_ANONYMOUS", "yes"],
  ["LOG_LEVEL", "loud"],
  ["PODLINK_STORE", "redis"],
  ["CLOSE_DEADLINE_MS", "-1"],
])("%s=%s is refused by name", (name, value) => {
  expect(() => gatewayFromEnvironment({ [name]: value })).toThrow(`environment.${name}`);
});
