import { expect, test } from "vitest";
import { MemoryExecutor } from "../src/index.ts";
import { manualClock } from "./manual-clock.ts";

const HOUR_MS = 3_600_000;
const key = { namespace: "prod", service: "room", uid: "alice" };
const claim = { kind: "set", ...key, owner: { podIndex: 1 }, lifetime: "persistent" } as const;
const registration = {
  namespace: "prod",
  service: "room",
  podIndex: 1,
  life: "a",
  takeOver: "now",
  generation: "g",
  report: {
    serviceState: "Ready",
    routingState: "Ready",
    loadState: 0,
    loadScore: 0,
    linkCount: 0,
    leaseMs: 10_000,
    weight: 1,
    metadata: {},
  },
} as const;

test("tokens and incarnations go on growing when the wall clock steps back", async () => {
  const clock = manualClock();
  const store = new MemoryExecutor({ clock });
  const before = await store.execute(claim);
  const first = await store.register(registration);
  clock.ms -= HOUR_MS;
  const after = await store.execute(claim);
  expect(Number(after.link.token)).toBeGreaterThan(Number(before.link.token));
  const other = await store.execute({ ...claim, uid: "bob" });
  expect(Number(other.link.token)).toBeGreaterThan(Number(before.link.token));
  const expected = first.registered ? first.incarnation : 0;
  const second = await store.register({ ...registration, expected });
  expect(second.registered && second.incarnation).toBe(expected + 1);
});

test("a step back of more than a second is counted once, a smaller one not at all", async () => {
  const clock = manualClock();
  const store = new MemoryExecutor({ clock });
  await store.execute(claim);
  clock.ms -= 1000;
  await store.execute(claim);
  expect(store.read()["clockBack"]).toBe(0);
  clock.ms -= 1001;
  await store.execute(claim);
  await store.execute(claim);
  expect(store.read()["clockBack"]).toBe(1);
});

test("a token more than a day ahead of the time is counted", async () => {
  const clock = manualClock();
  clock.ms += 100 * 24 * HOUR_MS;
  const ahead = new MemoryExecutor({ clock });
  await ahead.execute(claim);
  clock.ms -= 99 * 24 * HOUR_MS;
  await ahead.execute(claim);
  expect(ahead.read()["tokensIgnored"]).toBe(1);
});

test("a pod whose last report lies in the future is silent with a negative age: it proves nothing", async () => {
  const clock = manualClock();
  const store = new MemoryExecutor({ clock });
  await store.register(registration);
  clock.ms -= HOUR_MS;
  const reading = await store.readPods("prod", "room");
  expect(reading.silent).toMatchObject([{ podIndex: 1, ageMs: -HOUR_MS }]);
});

test("fractions of a millisecond of the clock are cut off", async () => {
  const clock = manualClock();
  clock.ms += 0.4567;
  const store = new MemoryExecutor({ clock });
  const { link } = await store.execute({ ...claim, lifetime: { ttlMs: 10 } });
  expect(link.token).toMatch(/^\d+$/);
  expect(await store.execute({ kind: "get", ...key })).toMatchObject({ expiresInMs: 10 });
});
