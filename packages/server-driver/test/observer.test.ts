import { MemoryExecutor } from "@podlink/memory-executor";
import { fakeClock, recordingLogger } from "@podlink/testkit";
import { expect, test } from "vitest";
import { ServerDriver } from "../src/index.ts";
import { peersOf } from "./support/peers.ts";
import { FAST, NAMESPACE, SERVICE, settled, world } from "./support/world.ts";

test("claims, reports and verification are watched as operations, each ended once", async () => {
  const w = world();
  const { driver, observer } = await w.running(0);
  await settled(w.clock, driver.guard("ann"));
  await w.clock.advance(FAST.verifyIntervalMs);
  const names = new Set(observer.scopes.map(({ operation }) => operation.name));
  expect([...names].toSorted()).toEqual(["claim", "report", "verify"]);
  expect(JSON.stringify(observer.events)).not.toContain("ann");
});

test("an observer that throws harms nobody", async () => {
  const clock = fakeClock();
  const store = new MemoryExecutor({ clock });
  const broken = {
    start: () => {
      throw new Error("no");
    },
    event: () => {
      throw new Error("no");
    },
  };
  const logger = recordingLogger();
  const routes = peersOf(store, NAMESPACE);
  const settings = { ...FAST, namespace: NAMESPACE, service: SERVICE, podIndex: 0 };
  const driver = new ServerDriver({ store, routes, clock, logger, observer: broken }, settings);
  await driver.init();
  await driver.start();
  driver.ready();
  expect(await driver.guard("ann")).toMatchObject({ ok: true });
  await driver.close();
});
