import { hostname } from "node:os";
import { expect, it } from "vitest";
import { identityFromEnvironment } from "../src/identity.ts";

const nothingMounted = (): undefined => undefined;

it("fault 1: the name of a StatefulSet's pod gives service and index, 0 too", () => {
  const environment = { POD_NAME: "chat-room-0", POD_NAMESPACE: "prod", POD_IP: "10.0.0.7" };
  expect(identityFromEnvironment(environment, nothingMounted)).toEqual({
    namespace: "prod",
    service: "chat-room",
    podIndex: 0,
    host: "10.0.0.7",
  });
});

it("a name without an ordinal gives neither", () => {
  for (const POD_NAME of ["gateway-7d9f8b6c5-x2x9z", "room", "room-01", "-1"]) {
    const identity = identityFromEnvironment({ POD_NAME }, nothingMounted);
    expect(identity, POD_NAME).toEqual({ host: hostname() });
  }
});

it("the mounted namespace counts where the environment names none", () => {
  expect(identityFromEnvironment({ POD_NAME: "room-1" }, () => "mounted").namespace).toBe("mounted");
  expect(identityFromEnvironment({ POD_NAME: "room-1", POD_NAMESPACE: "given" }, () => "mounted").namespace).toBe(
    "given",
  );
});

it("outside Kubernetes nothing is mounted", () => {
  expect(identityFromEnvironment({ POD_NAME: "room-1" })).toMatchObject({ service: "room", podIndex: 1 });
});
