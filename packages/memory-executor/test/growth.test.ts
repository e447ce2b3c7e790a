import { expect, test } from "vitest";
import { MemoryExecutor } from "../src/index.ts";
import { manualClock } from "./manual-clock.ts";

const reservation = (uid: string, ttlMs: number) =>
  ({ kind: "set", namespace: "prod", service: "room", uid, owner: { podIndex: 1 }, lifetime: { ttlMs } }) as const;

test("expired links are freed while others are written: their number stays bounded", async () => {
  const clock = manualClock();
  const store = new MemoryExecutor({ clock });
  let most = 0;
  for (let index = 0; index < 20_000; index += 1) {
    clock.ms += 1;
    await store.execute(reservation(`u${index}`, 1000)); // 1000 live at any time
    most = Math.max(most, store.read()["uids"] ?? 0);
  }
  expect(most).toBeLessThan(2500);
});

test("what was live once is freed by the writes that follow, to the last", async () => {
  const clock = manualClock();
  const store = new MemoryExecutor({ clock });
  for (let index = 0; index < 1000; index += 1) await store.execute(reservation(`u${index}`, 1000));
  clock.ms += 1000;
  for (let index = 0; index < 1000; index += 1) await store.execute(reservation("one", 1000));
  expect(store.read()["uids"]).toBe(1);
});

test("removed links leave nothing", async () => {
  const store = new MemoryExecutor();
  for (let index = 0; index < 100; index += 1) {
    await store.execute(reservation(`u${index}`, 1000));
    await store.execute({ kind: "remove", namespace: "prod", service: "room", uid: `u${index}`, graceMs: 0 });
  }
  expect(store.read()["uids"]).toBe(0);
});

test("a uid whose last link is removed is gone at once", async () => {
  const store = new MemoryExecutor();
  for (let index = 0; index < 100; index += 1) await store.execute(reservation(`u${index}`, 60_000));
  await store.execute({ kind: "remove", namespace: "prod", service: "room", uid: "u99", graceMs: 0 });
  expect(store.read()["uids"]).toBe(99);
});

test("an expired service of a live uid is freed too", async () => {
  const clock = manualClock();
  const store = new MemoryExecutor({ clock });
  for (let index = 0; index < 1000; index += 1) {
    clock.ms += 100;
    await store.execute({ ...reservation("u", 1000), service: `room-${index}` });
  }
  expect((await store.servicesOf("prod", "u")).size).toBe(10); // 128 at most are ever kept: none was refused
});

test("expired workload states are freed", async () => {
  const clock = manualClock();
  const store = new MemoryExecutor({ clock });
  for (let index = 0; index < 10_000; index += 1) {
    clock.ms += 1;
    await store.setWorkloadState("prod", `room-${index}`, "Ready", 100);
  }
  expect(store.read()["workloadStates"]).toBeLessThan(300);
});

test("reading a service, or reporting to one that is not there, makes nothing", async () => {
  const store = new MemoryExecutor();
  await store.readPods("prod", "unknown");
  await store.leave({ namespace: "prod", service: "unknown", podIndex: 1, incarnation: 1 });
  expect(store.read()).toMatchObject({ pods: 0, uids: 0 });
});
