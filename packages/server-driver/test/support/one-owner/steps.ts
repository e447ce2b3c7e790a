import type { StepProgram, StoreMethod } from "@podlink/testkit";
import { stepCommands } from "@podlink/testkit";
import fc from "fast-check";
import { FAST, NAMESPACE, SERVICE } from "../world.ts";
import type { OwnershipModel } from "./ownership-model.ts";
import type { Simulation } from "./simulation.ts";
import { PODS, UIDS } from "./simulation.ts";

/** What happens, from outside, to pods and users. */
type Action =
  | { kind: "ask"; pod: number; uid: string; token: number; timeoutMs: number }
  | { kind: "release"; pod: number; uid: string; graceMs: number }
  | { kind: "claimAgain"; pod: number; uid: string; above: number }
  | { kind: "trySet"; pod: number; uid: string }
  | { kind: "line"; pod: number; fault: "cut" | "hang" | "heal" | "replies" | "requests" | "slow" }
  | { kind: "hold"; pod: number; what: keyof typeof HELD }
  | { kind: "flow"; pod: number }
  | { kind: "deliver"; count: number }
  | { kind: "pause"; pod: number; suspended: boolean }
  | { kind: "resume"; pod: number; first: "timers" | "answers" }
  | { kind: "outage"; pod: number; how: "pause" | "suspend" | "cut" | "hang"; ms: number; first: "timers" | "answers" }
  | { kind: "late"; pod: number; uid: string; what: "ask" | "release" | "claimAgain"; ms: number; thenMs: number }
  | { kind: "sleep"; pod: number; uid: string; suspended: boolean; ms: number; first: "timers" | "answers" }
  | { kind: "reopen"; pod: number; uid: string; ms: number }
  | { kind: "failover"; uid: string }
  | { kind: "removedBehind"; uid: string }
  | { kind: "restart"; pod: number; how: "stop" | "close" | "twin" }
  | { kind: "say"; pod: number; state: "Ready" | "NotReady" | "Failed" }
  | { kind: "pass"; ms: number };

/** Whose calls the scheduler orders. */
const HELD = {
  links: ["execute"],
  verification: ["executeAll"],
  reports: ["report", "register", "leave"],
  all: ["execute", "executeAll", "report", "register", "leave"],
} satisfies Record<string, readonly StoreMethod[]>;

const pod = fc.constantFrom(...PODS);
const uid = fc.constantFrom(...UIDS);
const first = fc.constantFrom("timers" as const, "answers" as const);

function of<K extends Action["kind"]>(
  weight: number,
  kind: K,
  parts: { [P in Exclude<keyof Extract<Action, { kind: K }>, "kind">]: fc.Arbitrary<Extract<Action, { kind: K }>[P]> },
): { weight: number; arbitrary: fc.Arbitrary<Action> } {
  return { weight, arbitrary: fc.record({ kind: fc.constant(kind), ...parts }) as unknown as fc.Arbitrary<Action> };
}

const action: fc.Arbitrary<Action> = fc.oneof(
  of(16, "ask", {
    pod,
    uid,
    token: fc.constantFrom(0, 0, 1),
    timeoutMs: fc.constantFrom(FAST.handOffTimeoutMs, FAST.handOffTimeoutMs, 30),
  }),
  of(3, "release", { pod, uid, graceMs: fc.constantFrom(0, 50) }),
  of(2, "claimAgain", { pod, uid, above: fc.constantFrom(0, 0, 1000) }),
  of(1, "trySet", { pod, uid }),
  of(5, "line", {
    pod,
    fault: fc.constantFrom("cut", "hang", "heal", "heal", "heal", "heal", "replies", "requests", "slow"),
  }),
  of(5, "hold", { pod, what: fc.constantFrom("links", "links", "verification", "reports", "all") }),
  of(3, "flow", { pod }),
  of(10, "deliver", { count: fc.integer({ min: 1, max: 4 }) }),
  of(2, "pause", { pod, suspended: fc.boolean() }),
  of(5, "resume", { pod, first }),
  of(6, "outage", {
    pod,
    how: fc.constantFrom("pause", "suspend", "cut", "hang"),
    ms: fc.constantFrom(850, 1100, 2200),
    first,
  }),
  of(8, "late", {
    pod,
    uid,
    what: fc.constantFrom("ask", "release", "release", "claimAgain"),
    ms: fc.constantFrom(90, 110, 150, 400),
    thenMs: fc.constantFrom(0, 40, 100),
  }),
  of(4, "sleep", { pod, uid, suspended: fc.boolean(), ms: fc.constantFrom(300, 850, 950, 2200), first }),
  of(2, "reopen", { pod, uid, ms: fc.constantFrom(0, 10, 40) }),
  of(4, "failover", { uid }),
  of(1, "removedBehind", { uid }),
  of(1, "restart", { pod, how: fc.constantFrom("stop", "close", "twin") }),
  of(1, "say", { pod, state: fc.constantFrom("Ready", "Ready", "NotReady", "Failed") }),
  of(8, "pass", { ms: fc.constantFrom(5, 30, 90, 250, 1100) }),
);

/** No limit of its own: each command of it has one, and it waits for those before it. */
const SOMETIME_MS = 5000;
const CALL_MS = 1000;

/** Programs of up to `maxCommands` steps; after each the model looks. */
export const steps = (maxCommands: number): fc.Arbitrary<StepProgram<OwnershipModel, Simulation>> =>
  stepCommands(action, {
    maxCommands,
    perform: (_model: OwnershipModel, simulation: Simulation, step) => perform(simulation, step),
    look: (model, simulation) => {
      simulation.check();
      return model.violations;
    },
  });

async function perform(simulation: Simulation, step: Action): Promise<void> {
  const { model } = simulation;
  switch (step.kind) {
    case "ask":
      return simulation.ask(step.pod, step.uid, step.token, step.timeoutMs);
    case "release":
      return release(simulation, step);
    case "claimAgain":
      return claimAgain(simulation, step);
    case "trySet": {
      const life = simulation.awake(step.pod);
      const work = life?.driver.trySetLinkedPod(step.uid);
      if (life !== undefined && work !== undefined) model.follow(life, "trySet", CALL_MS, work, () => undefined);
      return;
    }
    case "line": {
      const { line } = simulation.life(step.pod);
      if (step.fault === "replies") line.dropReplies(2);
      else if (step.fault === "requests") line.dropRequests(2);
      else if (step.fault === "slow") line.delay(120); // executed after its caller has given up
      else line[step.fault]();
      return;
    }
    case "hold":
      return simulation.life(step.pod).answers.hold(HELD[step.what]);
    case "flow":
      return simulation.life(step.pod).answers.flow();
    case "deliver":
      return simulation.deliver(step.count);
    case "pause":
      return simulation.life(step.pod).process.pause(step.suspended);
    case "resume":
      return simulation.resume(step.pod, step.first);
    case "outage":
      return outage(simulation, step);
    case "late":
      return late(simulation, step);
    case "sleep":
      return sleepInClaim(simulation, step);
    case "reopen":
      return reopenInClaim(simulation, step);
    case "failover":
      return simulation.failover(step.uid);
    case "removedBehind":
      return removedBehind(simulation, step.uid);
    case "restart": {
      const life = simulation.life(step.pod);
      if (simulation.lives.length > 6) return;
      if (step.how === "stop" && !life.process.isPaused) void life.driver.stop({ deadlineMs: 1500 });
      if (step.how === "close") void life.driver.close();
      simulation.begin(step.pod);
      return;
    }
    case "say":
      return simulation.awake(step.pod)?.driver.setServiceState(step.state);
    case "pass":
      return simulation.pass(step.ms);
  }
}

function release(simulation: Simulation, step: Pick<Action & { kind: "release" }, "pod" | "uid" | "graceMs">): void {
  const life = simulation.awake(step.pod);
  if (life === undefined) return;
  const work = life.driver.removeLinkedPod(step.uid, step.graceMs);
  simulation.model.follow(life, "remove", CALL_MS, work, () => undefined);
}

function claimAgain(
  simulation: Simulation,
  step: Pick<Action & { kind: "claimAgain" }, "pod" | "uid" | "above">,
): void {
  const life = simulation.awake(step.pod);
  if (life === undefined) return;
  const { model } = simulation;
  const floor = model.newestToken(step.uid) + step.above;
  const work = life.driver.claimAgain(step.uid, String(floor));
  model.follow(life, "claimAgain", SOMETIME_MS, work, (got) => model.answered(life, step.uid, got, floor));
}

/** A pod that holds uids falls silent, callers give its users to the other one, and it comes back. */
async function outage(simulation: Simulation, step: Action & { kind: "outage" }): Promise<void> {
  const { pod: index, how, ms, first: heard } = step;
  const { process, line } = simulation.life(index);
  const askAll = (asked: number): void => UIDS.forEach((name) => simulation.ask(asked, name));
  askAll(index);
  if (ms !== 850) await simulation.pass(10);
  if (how === "pause" || how === "suspend") process.pause(how === "suspend");
  else line[how]();
  await simulation.pass(ms);
  for (const name of UIDS) await simulation.failover(name);
  askAll(1 - index);
  await simulation.pass(10);
  line.heal();
  await simulation.resume(index, heard);
  askAll(index);
  await simulation.pass(20);
}

/** An operation is executed long after it was sent, while the same and the other pod go on with that uid. */
async function late(simulation: Simulation, step: Action & { kind: "late" }): Promise<void> {
  const { pod: index, uid: name, what, ms, thenMs } = step;
  const { line } = simulation.life(index);
  simulation.ask(index, name);
  await simulation.pass(10);
  line.delay(ms);
  if (what === "release") release(simulation, { pod: index, uid: name, graceMs: 0 });
  else if (what === "ask") simulation.ask(index, name, 1);
  else claimAgain(simulation, { pod: index, uid: name, above: 0 });
  await simulation.clock.advance(0);
  line.delay(0);
  await simulation.pass(thenMs);
  simulation.ask(index, name);
  await simulation.pass(ms);
  simulation.ask(1 - index, name);
  await simulation.pass(20);
}

/** The process stands still while its claim is answered, perhaps past its lease, and the user goes on elsewhere. */
async function sleepInClaim(simulation: Simulation, step: Action & { kind: "sleep" }): Promise<void> {
  const { pod: index, uid: name, suspended, ms, first: heard } = step;
  const { process } = simulation.life(index);
  release(simulation, { pod: index, uid: name, graceMs: 0 });
  await simulation.pass(10);
  simulation.ask(index, name);
  process.pause(suspended);
  await simulation.pass(ms);
  await simulation.failover(name);
  simulation.ask(1 - index, name);
  await simulation.pass(10);
  await simulation.resume(index, heard);
}

/** The pod takes a new registration while a claim made under the one before is on its way. */
async function reopenInClaim(simulation: Simulation, step: Action & { kind: "reopen" }): Promise<void> {
  const { pod: index, uid: name, ms } = step;
  const life = simulation.awake(index);
  if (life === undefined) return;
  life.answers.hold(HELD.links);
  simulation.ask(index, name, 1);
  await simulation.deliver(1);
  life.driver.setServiceState("Failed");
  life.driver.setServiceState("Ready");
  await simulation.pass(ms);
  life.answers.flow();
  await simulation.deliver(Number.POSITIVE_INFINITY);
}

/** Somebody removes a link while all is well and nobody asks: its holder notices, and nobody makes it again. */
async function removedBehind(simulation: Simulation, name: string): Promise<void> {
  const { model, store, lives } = simulation;
  await simulation.calm();
  await simulation.pass(FAST.leaseMs + FAST.heartbeatIntervalMs);
  const link = await simulation.link(name);
  const registrations = (): string => lives.map(({ driver }) => driver.identity?.incarnation).join();
  const before = registrations();
  const hasPeace = lives.every(
    ({ driver: { state } }) =>
      ["stopped", "superseded"].includes(state.phase) || (state.phase === "running" && state.serviceState === "Ready"),
  );
  if (link === undefined || !hasPeace || !model.isQuiet()) return;
  const { podIndex, token } = link;
  await store.execute({
    kind: "remove",
    namespace: NAMESPACE,
    service: SERVICE,
    uid: name,
    graceMs: 0,
    expected: { podIndex, token },
  });
  await simulation.pass(FAST.verifyIntervalMs + 2 * FAST.commandTimeoutMs);
  if (registrations() !== before) return; // it claims what it held anew
  if ((await simulation.link(name)) !== undefined) model.violations.push(`the removed link of ${name} was made again`);
  if (lives.some(({ driver }) => driver.isHeld(name))) model.violations.push(`a pod holds the removed link of ${name}`);
}
