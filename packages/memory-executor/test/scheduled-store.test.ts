import { fakeClock, propertyRuns, scheduledStore } from "@podlink/testkit";
import type { LinkOp } from "@podlink/types";
import { expect, test } from "vitest";
import { MemoryExecutor } from "../src/index.ts";

/** Lets go what the test names, where fast-check's scheduler would choose. */
class ByHand {
  readonly waiting: { readonly label: string | undefined; readonly go: () => void }[] = [];

  async schedule<T>(task: Promise<T>, label?: string): Promise<T> {
    await new Promise<void>((go) => this.waiting.push({ label, go }));
    return task;
  }
}

const op = (uid: string): LinkOp & { kind: "setIfAbsent" } => ({
  kind: "setIfAbsent",
  namespace: "prod",
  service: "room",
  uid,
  owner: { podIndex: 0 },
  lifetime: { ttlMs: 1000 },
});

function scheduled() {
  const clock = fakeClock();
  const real = new MemoryExecutor({ clock });
  const hand = new ByHand();
  return { clock, real, hand, line: scheduledStore(real, hand) };
}

test("a held call is executed when it is its turn, and answered when its answer's turn comes", async () => {
  const { clock, real, hand, line } = scheduled();
  line.hold();
  let answered = false;
  void line.store.execute(op("ann")).then(() => (answered = true));
  const links = async (): Promise<number> => (await real.servicesOf("prod", "ann")).size;
  await clock.advance(0);
  expect(await links()).toBe(0);
  hand.waiting[0]?.go();
  await clock.advance(0);
  expect(await links()).toBe(1);
  expect(answered).toBe(false);
  hand.waiting[1]?.go();
  await clock.advance(0);
  expect(answered).toBe(true);
  expect(hand.waiting.map(({ label }) => label)).toEqual(["execute is executed", "the answer to execute arrives"]);
});

test("only the methods named are held; what waits goes on waiting when the rest flows", async () => {
  const { clock, hand, line } = scheduled();
  line.hold(["execute"]);
  expect((await line.store.servicesOf("prod", "ann")).size).toBe(0);
  const held = line.store.execute(op("ann"));
  line.flow();
  expect(await line.store.execute(op("bob"))).toMatchObject({ created: true });
  await clock.advance(0);
  expect(hand.waiting).toHaveLength(1);
  hand.waiting[0]?.go();
  expect(await held).toMatchObject({ created: true });
});

test("errors are carried back as answers are", async () => {
  const { clock, hand, line } = scheduled();
  line.hold();
  const failed = line.store.execute(op("")).catch((error: unknown) => error);
  await clock.advance(0);
  hand.waiting[0]?.go();
  await clock.advance(0);
  hand.waiting[1]?.go();
  expect(await failed).toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("the runs of a property come from the environment, and a bad value is refused by its name", () => {
  const defaults = { numRuns: 50, seed: 7 };
  const runs = (environment: Record<string, string>) => propertyRuns("a property", defaults, environment);
  expect(runs({})).toEqual(defaults);
  expect(runs({ SEED: "-3", SIMULATED_RUNS: "500" })).toEqual({ numRuns: 500, seed: -3 });
  expect(runs({ SIMULATED_RUNS: "10x" })).toEqual({ numRuns: 500, seed: 7 });
  expect(() => runs({ SEED: "many" })).toThrow(/SEED: .* got many/);
  for (const bad of ["0", "", "x", "1.5", "0x"]) expect(() => runs({ SIMULATED_RUNS: bad })).toThrow(/SIMULATED_RUNS/);
});
