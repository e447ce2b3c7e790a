import { MemoryExecutor } from "@podlink/memory-executor";
import { RouteInfoDriver } from "@podlink/route-info-driver";
import { fakeClock } from "@podlink/testkit";
import { expect, test } from "vitest";
import { ServerDriver } from "../src/index.ts";
import { FAST, NAMESPACE, SERVICE } from "./support/world.ts";

const FAST_ROUTES = { stateRefreshMs: 100, silenceMs: 300, commandTimeoutMs: 100, slowStartMs: 0 };

test.each([true, false])(
  "users move to the best other pod that the routes know (state cache: %s)",
  async (stateCache) => {
    const clock = fakeClock();
    const store = new MemoryExecutor({ clock });
    const pods = [0, 1].map((podIndex) => {
      const ports = { directory: store, catalogue: store, namespace: NAMESPACE, clock };
      const routes = new RouteInfoDriver(ports, { ...FAST_ROUTES, stateCache });
      const settings = { ...FAST, namespace: NAMESPACE, service: SERVICE, podIndex };
      return { routes, driver: new ServerDriver({ store, routes, clock }, settings) };
    });
    for (const { driver } of pods) {
      driver.ready();
      await driver.start();
    }
    await clock.advance(300);
    const [zero, one] = pods as [(typeof pods)[0], (typeof pods)[0]];
    await zero.driver.guard("ann");
    expect((await store.workloadStates(NAMESPACE, [SERVICE])).get(SERVICE)).toBe("Ready");
    const stopped = zero.driver.stop();
    await clock.advance(1000);
    await stopped;
    const key = { namespace: NAMESPACE, service: SERVICE, uid: "ann" };
    expect(await store.execute({ kind: "get", ...key })).toMatchObject({ podIndex: 1, kind: "reservation" });
    await one.driver.close();
    for (const { routes } of pods) await routes.close();
    expect(clock.pendingTimers).toBe(0);
  },
);
