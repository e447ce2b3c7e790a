import type { StepProgram } from "@podlink/testkit";
import { stepCommands } from "@podlink/testkit";
import fc from "fast-check";
import type { OwnershipModel } from "../one-owner/ownership-model.ts";
import { FAST } from "../world.ts";
import type { Saving, Writing } from "./counter-app.ts";
import type { Fleet } from "./fleet.ts";

export const PODS = [0, 1, 2];
export const UIDS = ["ann", "bob", "cid", "dora", "eve"];

/** A request that is stopped by nothing but the end of its period. */
const FOR_EVER_MS = 1_000_000;

type Action =
  | { kind: "change"; pod: number; uid: string; writing: Writing; ms: number }
  | { kind: "saving"; pod: number; how: Saving }
  | { kind: "stop"; pod: number; deadlineMs: number | undefined }
  | { kind: "begin"; pod: number }
  | { kind: "crash"; pod: number }
  | { kind: "load"; pod: number; load: number }
  | { kind: "say"; pod: number; state: "Ready" | "NotReady" }
  | { kind: "line"; pod: number; fault: "cut" | "hang" | "heal" | "replies" | "requests" | "pushes" | "slow" }
  | { kind: "hold"; pod: number }
  | { kind: "flow"; pod: number }
  | { kind: "deliver"; count: number }
  | { kind: "failover"; uid: string }
  | { kind: "pass"; ms: number };

function of<K extends Action["kind"]>(
  weight: number,
  kind: K,
  parts: { [P in Exclude<keyof Extract<Action, { kind: K }>, "kind">]: fc.Arbitrary<Extract<Action, { kind: K }>[P]> },
): { weight: number; arbitrary: fc.Arbitrary<Action> } {
  return { weight, arbitrary: fc.record({ kind: fc.constant(kind), ...parts }) as unknown as fc.Arbitrary<Action> };
}

// Mostly the same one, so that much happens while it drains.
const pod = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(...PODS) });
const uid = fc.constantFrom(...UIDS);

const action: fc.Arbitrary<Action> = fc.oneof(
  of(20, "change", {
    pod,
    uid,
    writing: fc.constantFrom("through", "behind", "behind"),
    ms: fc.constantFrom(0, 0, 40, 120, FOR_EVER_MS),
  }),
  of(3, "saving", { pod, how: fc.constantFrom("at-once", "slowly", "slowly", "throws", "hangs") }),
  of(4, "stop", { pod, deadlineMs: fc.constantFrom(undefined, undefined, 1500, 800, 100) }),
  of(4, "begin", { pod }),
  of(1, "crash", { pod }),
  of(2, "load", { pod, load: fc.constantFrom(0, 100_000) }),
  of(2, "say", { pod, state: fc.constantFrom("Ready", "Ready", "NotReady") }),
  of(4, "line", {
    pod,
    fault: fc.constantFrom("cut", "hang", "heal", "heal", "heal", "replies", "replies", "requests", "pushes", "slow"),
  }),
  of(3, "hold", { pod }),
  of(3, "flow", { pod }),
  of(8, "deliver", { count: fc.integer({ min: 1, max: 4 }) }),
  of(2, "failover", { uid }),
  of(12, "pass", { ms: fc.constantFrom(5, 30, 90, 250, 600) }),
);

/** Programs of up to `maxCommands` steps; after each the model looks. */
export const steps = (maxCommands: number): fc.Arbitrary<StepProgram<OwnershipModel, Fleet>> =>
  stepCommands(action, {
    maxCommands,
    perform: (_model: OwnershipModel, fleet: Fleet, step) => perform(fleet, step),
    look: (model, fleet) => {
      fleet.simulation.check();
      fleet.checkCounters();
      return model.violations;
    },
  });

async function perform(fleet: Fleet, step: Action): Promise<void> {
  const { simulation } = fleet;
  switch (step.kind) {
    case "change":
      return fleet.app(step.pod).change(step.uid, step.writing, step.ms);
    case "saving":
      fleet.app(step.pod).saving = step.how;
      return;
    case "stop":
      void fleet.stop(step.pod, step.deadlineMs);
      return;
    case "begin": {
      const { phase } = simulation.life(step.pod).driver.state;
      const isOver = phase === "stopped" || phase === "superseded";
      if (isOver && simulation.lives.length < 9) fleet.begin(step.pod);
      return;
    }
    case "crash":
      return fleet.app(step.pod).crash();
    case "load":
      return simulation.life(step.pod).driver.setLoadState(step.load);
    case "say":
      return simulation.life(step.pod).driver.setServiceState(step.state);
    case "line": {
      const { line } = simulation.life(step.pod);
      if (step.fault === "replies") line.dropReplies(2);
      else if (step.fault === "requests") line.dropRequests(2);
      else if (step.fault === "pushes") line.dropPushes(5);
      else if (step.fault === "slow") line.delay(FAST.commandTimeoutMs + 20); // executed when nobody waits any more
      else line[step.fault]();
      return;
    }
    case "hold":
      return simulation.life(step.pod).answers.hold(["execute"]);
    case "flow":
      return simulation.life(step.pod).answers.flow();
    case "deliver":
      return simulation.deliver(step.count);
    case "failover":
      return simulation.failover(step.uid);
    case "pass":
      return simulation.pass(step.ms);
  }
}
