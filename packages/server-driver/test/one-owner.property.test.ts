import { MemoryExecutor } from "@podlink/memory-executor";
import type { FakeClock, FaultyStore } from "@podlink/testkit";
import { fakeClock, faultyStore } from "@podlink/testkit";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { ServerDriver } from "../src/index.ts";
import { PausableProcess } from "./support/pausable.ts";
import { peersOf } from "./support/peers.ts";
import { FAST, NAMESPACE, SERVICE } from "./support/world.ts";

const UIDS = ["ann", "bob"];
const PODS = [0, 1];
const GRACE_MS = FAST.leaseMs;

type Action =
  | { kind: "ask"; pod: number; uid: string; token: number }
  | { kind: "release"; pod: number; uid: string; graceMs: number }
  | { kind: "claimAgain"; pod: number; uid: string }
  | { kind: "trySet"; pod: number; uid: string }
  | { kind: "line"; pod: number; fault: "cut" | "hang" | "heal" | "replies" | "requests" | "slow" }
  | { kind: "pause"; pod: number; suspended: boolean }
  | { kind: "resume"; pod: number; first: "timers" | "answers" }
  | { kind: "outage"; pod: number; how: "pause" | "suspend" | "cut" | "hang"; ms: number; first: "timers" | "answers" }
  | { kind: "late"; pod: number; uid: string; what: "ask" | "release" | "claimAgain"; ms: number; thenMs: number }
  | { kind: "failover"; uid: string }
  | { kind: "restart"; pod: number; how: "stop" | "close" | "twin" }
  | { kind: "say"; pod: number; state: "Ready" | "NotReady" | "Failed" }
  | { kind: "pass"; ms: number };

const pod = fc.constantFrom(...PODS);
const first = fc.constantFrom("timers" as const, "answers" as const);
const uid = fc.constantFrom(...UIDS);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 16,
    arbitrary: fc.record({ kind: fc.constant("ask" as const), pod, uid, token: fc.constantFrom(0, 0, 1) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("release" as const), pod, uid, graceMs: fc.constantFrom(0, 50) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("claimAgain" as const), pod, uid }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("trySet" as const), pod, uid }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("line" as const),
      pod,
      fault: fc.constantFrom(
        "cut" as const,
        "hang" as const,
        "heal" as const,
        "heal" as const,
        "heal" as const,
        "heal" as const,
        "replies" as const,
        "requests" as const,
        "slow" as const,
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("pause" as const), pod, suspended: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("resume" as const), pod, first }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("outage" as const),
      pod,
      how: fc.constantFrom("pause" as const, "suspend" as const, "cut" as const, "hang" as const),
      ms: fc.constantFrom(850, 1100, 2200),
      first,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("late" as const),
      pod,
      uid,
      what: fc.constantFrom("ask" as const, "release" as const, "release" as const, "claimAgain" as const),
      ms: fc.constantFrom(90, 110, 150, 400),
      thenMs: fc.constantFrom(0, 40, 100),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("failover" as const), uid }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("restart" as const),
      pod,
      how: fc.constantFrom("stop" as const, "close" as const, "twin" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("say" as const),
      pod,
      state: fc.constantFrom("Ready" as const, "Ready" as const, "NotReady" as const, "Failed" as const),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(5, 30, 90, 250, 1100) }),
  },
);

interface Life {
  readonly podIndex: number;
  readonly driver: ServerDriver;
  readonly process: PausableProcess;
  readonly line: FaultyStore<MemoryExecutor>;
  over: boolean;
}

class Simulation {
  readonly clock: FakeClock = fakeClock();
  readonly store: MemoryExecutor = new MemoryExecutor({ clock: this.clock });
  readonly lives: Life[] = [];
  readonly tokens = new Map<string, { token: number; life: Life }>();
  readonly violations: string[] = [];
  grants = 0;

  begin(podIndex: number): void {
    const process = new PausableProcess(this.clock, this.lives.length * 12_345);
    const line = faultyStore(this.store, { clock: this.clock });
    const store = process.through(line.store);
    const { clock } = process;
    const settings = { ...FAST, namespace: NAMESPACE, service: SERVICE, podIndex };
    const driver = new ServerDriver({ store, clock, routes: peersOf(store, clock, NAMESPACE) }, settings);
    const life: Life = { podIndex, driver, process, line, over: false };
    this.lives.push(life);
    driver.onPeriod((event) => {
      if (event.kind !== "taken") return;
      const token = Number(event.link.token);
      const last = this.tokens.get(event.uid);
      // The same token twice: the same incarnation found its own link again.
      const grows = last === undefined || token > last.token || (token === last.token && last.life === life);
      if (!grows) this.violations.push(`token of ${event.uid}: ${last.token} -> ${token}`);
      this.tokens.set(event.uid, { token, life });
    });
    driver.ready();
    driver.start().catch(() => undefined);
  }

  life(podIndex: number): Life {
    return this.lives.findLast((life) => life.podIndex === podIndex) as Life;
  }

  check(): void {
    for (const name of UIDS) {
      const owners = this.lives.filter((life) => !life.process.isPaused && life.driver.isHeld(name));
      if (owners.length > 1) this.violations.push(`${owners.length} owners of ${name}`);
    }
  }

  async run(step: Action): Promise<void> {
    const ignore = (): void => undefined;
    switch (step.kind) {
      case "ask": {
        const { driver, process } = this.life(step.pod);
        if (process.isPaused) return;
        const known = this.tokens.get(step.uid)?.token ?? 0;
        const answer = driver.guard(step.uid, { token: String(known + step.token) });
        Promise.resolve(answer).then((got) => {
          if (!got.ok) return;
          this.grants += 1;
          this.check();
        }, ignore);
        return;
      }
      case "release":
        if (!this.life(step.pod).process.isPaused)
          this.life(step.pod).driver.removeLinkedPod(step.uid, step.graceMs).catch(ignore);
        return;
      case "claimAgain":
        if (!this.life(step.pod).process.isPaused)
          void this.life(step.pod).driver.claimAgain(step.uid, String(this.tokens.get(step.uid)?.token ?? 0));
        return;
      case "trySet":
        if (!this.life(step.pod).process.isPaused) this.life(step.pod).driver.trySetLinkedPod(step.uid).catch(ignore);
        return;
      case "line": {
        const { line } = this.life(step.pod);
        if (step.fault === "cut") line.cut();
        else if (step.fault === "hang") line.hang();
        else if (step.fault === "heal") line.heal();
        else if (step.fault === "replies") line.dropReplies(2);
        else if (step.fault === "requests") line.dropRequests(2);
        else line.delay(120); // executed after its caller has given up
        return;
      }
      case "pause":
        this.life(step.pod).process.pause(step.suspended);
        return;
      case "resume":
        return this.life(step.pod).process.resume(step.first);
      case "outage":
        return this.outage(step);
      case "late":
        return this.late(step);
      case "failover":
        return this.failover(step.uid);
      case "restart": {
        const life = this.life(step.pod);
        if (this.lives.length > 6) return;
        if (step.how === "stop" && !life.process.isPaused) void life.driver.stop({ deadlineMs: 1500 });
        if (step.how === "close") void life.driver.close();
        this.begin(step.pod);
        return;
      }
      case "say":
        if (!this.life(step.pod).process.isPaused) this.life(step.pod).driver.setServiceState(step.state);
        return;
      case "pass":
        return this.pass(step.ms);
    }
  }

  /** In small steps, so that nothing happens unseen. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 10) {
      await this.clock.advance(10);
      this.check();
    }
  }

  /** A pod that holds uids falls silent, callers give its users to the other one, and it comes back. */
  async outage({ pod: index, how, ms, first: heard }: Action & { kind: "outage" }): Promise<void> {
    const { process, line } = this.life(index);
    const askAll = async (asked: number): Promise<void> => {
      for (const name of UIDS) await this.run({ kind: "ask", pod: asked, uid: name, token: 0 });
    };
    await askAll(index);
    if (ms !== 850) await this.pass(10);
    if (how === "pause" || how === "suspend") process.pause(how === "suspend");
    else line[how]();
    await this.pass(ms);
    for (const name of UIDS) await this.failover(name);
    await askAll(1 - index);
    await this.pass(10);
    line.heal();
    await process.resume(heard);
    this.check();
    await askAll(index);
    await this.pass(20);
  }

  /** An operation is executed long after it was sent, while the same and the other pod go on with that uid. */
  async late({ pod: index, uid: name, what, ms, thenMs }: Action & { kind: "late" }): Promise<void> {
    const { line } = this.life(index);
    await this.run({ kind: "ask", pod: index, uid: name, token: 0 });
    await this.pass(10);
    line.delay(ms);
    if (what === "release") await this.run({ kind: what, pod: index, uid: name, graceMs: 0 });
    else if (what === "ask") await this.run({ kind: what, pod: index, uid: name, token: 1 });
    else await this.run({ kind: what, pod: index, uid: name });
    await this.clock.advance(0);
    line.delay(0);
    await this.pass(thenMs);
    await this.run({ kind: "ask", pod: index, uid: name, token: 0 });
    await this.pass(ms);
    await this.run({ kind: "ask", pod: 1 - index, uid: name, token: 0 });
    await this.pass(20);
  }

  /** What a caller does about a link of a pod that has been silent for lease and grace. */
  async failover(name: string): Promise<void> {
    const key = { namespace: NAMESPACE, service: SERVICE, uid: name };
    const link = await this.store.execute({ kind: "get", ...key });
    if (link === undefined) return;
    const { rows } = await this.store.readPods(NAMESPACE, SERVICE);
    const row = rows.find(({ podIndex }) => podIndex === link.podIndex);
    const silentForMs = this.clock.wallMs() - (row?.reportedAtMs ?? 0);
    const goodbye = row?.serviceState === "Terminating" || row?.serviceState === "Failed";
    const mayReplace = link.kind !== "owned" || goodbye || silentForMs >= FAST.leaseMs + GRACE_MS;
    if (!mayReplace || (row !== undefined && link.incarnation !== undefined && row.incarnation > link.incarnation))
      return;
    const owner = { podIndex: PODS.find((index) => index !== link.podIndex) ?? 0 };
    await this.store.execute({
      kind: "replace",
      ...key,
      expectedToken: link.token,
      owner,
      lifetime: { ttlMs: 60_000 },
    });
  }

  async end(): Promise<void> {
    for (const { process, line, driver } of this.lives) {
      line.heal();
      await process.resume();
      void driver.stop({ deadlineMs: 1500 });
    }
    await this.clock.advance(10_000);
    expect(this.clock.pendingTimers).toBe(0);
  }
}

afterEach(() => vi.restoreAllMocks());

test("at one instant at most one pod serves a uid, whatever lines, pauses, takeovers and lost replies do", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  let grants = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 20, maxLength: 60 }), async (actions) => {
      const simulation = new Simulation();
      for (const index of PODS) simulation.begin(index);
      await simulation.clock.advance(50);
      for (const step of actions) {
        await simulation.run(step);
        simulation.check();
        expect(simulation.violations).toEqual([]);
      }
      await simulation.end();
      grants += simulation.grants;
    }),
    { numRuns: Number(process.env["SIMULATED_RUNS"] ?? 100), seed: Number(process.env["SEED"] ?? 20261120) },
  );
  expect(grants).toBeGreaterThan(300);
}, 120_000);
