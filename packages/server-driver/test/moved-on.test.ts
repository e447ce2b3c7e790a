import { expect, test } from "vitest";
import { ask, FAST, settled, world } from "./support/world.ts";

test("a pod that has stopped still says where it moved a user, and of others only that it has stopped", async () => {
  const w = world();
  const leaving = await w.running(0);
  await w.running(1);
  await settled(w.clock, ask(leaving, "ann"));
  await w.clock.advance(FAST.heartbeatIntervalMs);
  const stopped = leaving.driver.stop();
  await w.clock.advance(FAST.propagationMs + 100);
  await stopped;
  const link = { uid: "ann", podIndex: 1 };
  expect(leaving.driver.guard("ann")).toMatchObject({ ok: false, reason: "held-by", link });
  expect(leaving.driver.guard("stranger")).toEqual({ ok: false, reason: "stopped" });
});
