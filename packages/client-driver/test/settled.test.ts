import { RouteInfoDriver } from "@podlink/route-info-driver";
import { faultyStore } from "@podlink/testkit";
import type { LoadBalancer } from "@podlink/types";
import { expect, onTestFinished, test } from "vitest";
import { ClientDriver } from "../src/index.ts";
import { NAMESPACE, rejection, routeOptions, SERVICE, world } from "./support/world.ts";

/** A caller whose balancer takes the first pod and keeps what it is told of its choices. */
async function listening() {
  const { store, clock } = await world(2);
  const told: string[] = [];
  const balancer: LoadBalancer = {
    select: ({ count }) => (count === 0 ? undefined : 0),
    settled: (podIndex, outcome) => void told.push(`${podIndex} ${outcome}`),
  };
  const line = faultyStore(store, { clock });
  const routes = new RouteInfoDriver(
    { directory: line.store, catalogue: line.store, namespace: NAMESPACE, clock, balancer: () => balancer },
    routeOptions,
  );
  const driver = new ClientDriver({ links: line.store, routes, namespace: NAMESPACE, clock });
  onTestFinished(async () => {
    await driver.close();
    await routes.close();
  });
  const rooms = driver.service(SERVICE);
  await rooms.init();
  return { rooms, line, told, driver };
}

test("the balancer hears that its choice was placed", async () => {
  const { rooms, told } = await listening();
  await rooms.resolve("alice");
  expect(told).toEqual(["0 placed"]);
});

test("the balancer hears that somebody else's link won", async () => {
  const { rooms, told, driver } = await listening();
  await driver.setLinkedPodIfAbsent({ service: SERVICE, uid: "alice" }, 1);
  rooms.forget("alice");
  await rooms.resolve("alice");
  expect(told).toEqual(["0 lost"]);
});

test("a choice that was never sent is lost, one whose answer is lost may have been placed", async () => {
  const { rooms, told, line } = await listening();
  line.dropReplies(1);
  await rejection(rooms.resolve("alice"), "TIMEOUT");
  line.cut();
  await rejection(rooms.resolve("bob"), "STORE_UNAVAILABLE");
  expect(told).toEqual(["0 placed", "0 lost"]);
});
