import type { GuardAnswer } from "../../../src/index.ts";
import type { Saving } from "./counter-app.ts";
import type { Fleet } from "./fleet.ts";
import { FAST } from "../world.ts";
import { PODS } from "./steps.ts";

/** Users that only the last drain knows. */
const NEW_UIDS = Array.from({ length: 12 }, (_, index) => `new-${index}`);
const STRANGER = "stranger";

export interface LastDrain {
  readonly othersThere: boolean;
  readonly saving: Saving;
  /** Pushes are a courtesy: without them it is all the same. */
  readonly pushesLost: boolean;
}

/**
 * All is well with the store, and pod 0 drains with all the time it needs: what it held is on the others, or, if there are
 * none, left for its next life; nothing waits for anything; stopping again does nothing.
 */
export async function lastDrain(fleet: Fleet, { othersThere, saving, pushesLost }: LastDrain): Promise<void> {
  const { simulation } = fleet;
  const { model, clock } = simulation;
  await simulation.calm();
  await simulation.pass(10);
  await reborn(fleet, othersThere);
  const app = fleet.app(0);
  const { driver } = app.life;
  for (const uid of NEW_UIDS) void app.change(uid, "behind", 0);
  await simulation.pass(FAST.heartbeatIntervalMs);
  const held = NEW_UIDS.filter((uid) => driver.isHeld(uid));
  if (held.length < NEW_UIDS.length) model.violations.push(`of new users pod 0 holds only ${held.length}`);
  const before = await Promise.all(held.map((uid) => simulation.link(uid)));

  app.saving = saving;
  if (pushesLost) app.life.line.dropPushes(1000);
  void fleet.stop(0);
  await simulation.pass(FAST.propagationMs / 2);
  let answer: GuardAnswer | undefined;
  void Promise.resolve(driver.guard(STRANGER)).then((got) => (answer = got));
  await simulation.pass(10);
  if (answer?.ok === true && othersThere) model.violations.push("a draining pod took a user whom another could take");
  if (answer?.ok === false && othersThere && answer.link === undefined) {
    model.violations.push(`a draining pod says ${answer.reason} to a user whom another could take`);
  }
  // Users go on meanwhile, and follow where they are sent.
  for (let at = 0; at < 30; at += 1) {
    void app.change(NEW_UIDS[at % NEW_UIDS.length] as string, "through", 0);
    await simulation.pass(10);
  }
  await simulation.pass(2 * FAST.handOffTimeoutMs);
  if (driver.state.phase !== "stopped") model.violations.push("the drain took longer than its hand-offs may");

  const after = await Promise.all(held.map((uid) => simulation.link(uid)));
  for (const [index, uid] of held.entries()) {
    const link = after[index];
    const isLeft = link?.token === before[index]?.token;
    const isMoved = link !== undefined && link.podIndex !== 0;
    if (othersThere ? !isMoved : !isLeft) model.violations.push(`after the drain ${uid} is on ${JSON.stringify(link)}`);
    const isSaved = saving === "at-once" || saving === "slowly";
    if (isSaved && fleet.counters.count(uid) < 1) model.violations.push(`the change of ${uid} is lost`);
  }
  const { line } = app.life;
  line.resetCounts();
  void driver.stop();
  await clock.advance(0);
  if (line.totalCalls > 0) model.violations.push("stopping a stopped pod asks the store");
}

/** Pod 0 is new; the others are new, or gone. */
async function reborn(fleet: Fleet, othersThere: boolean): Promise<void> {
  const { simulation } = fleet;
  fleet.stopAll(400);
  await simulation.pass(600);
  for (const podIndex of othersThere ? PODS : [0]) fleet.begin(podIndex);
  await simulation.pass(FAST.leaseMs + 2 * FAST.heartbeatIntervalMs);
}
