import { RouteError } from "@podlink/types";
import { expect, test } from "vitest";
import { ask, beforeAnswer, FAST, NAMESPACE, SERVICE, settled, world } from "./support/world.ts";

const key = { namespace: NAMESPACE, service: SERVICE, uid: "ann" } as const;

async function draining() {
  const w = world();
  const pod = await w.running(0);
  await w.running(1);
  void pod.driver.stop();
  await w.clock.advance(10);
  return { w, pod };
}

test("while the store gives no answer, a draining pod says unavailable", async () => {
  const { w, pod } = await draining();
  beforeAnswer(pod.line, () => {
    throw new RouteError("STORE_UNAVAILABLE", "down", { retryAfterMs: 77 });
  });
  expect(await settled(w.clock, ask(pod, "ann"))).toEqual({ ok: false, reason: "unavailable", retryAfterMs: 77 });
});

test("a uid of an earlier life of this index is moved on, too", async () => {
  const { w, pod } = await draining();
  const owner = { podIndex: 0, incarnation: (pod.driver.identity?.incarnation ?? 0) - 1 };
  await w.store.execute({ kind: "set", ...key, owner, lifetime: "persistent" });
  expect(await settled(w.clock, ask(pod, "ann"))).toMatchObject({ reason: "held-by", link: { podIndex: 1 } });
});

test("a link that changes under its hands is looked at again by the next request", async () => {
  const { w, pod } = await draining();
  const lifetime = { ttlMs: 60_000 };
  await w.store.execute({ kind: "set", ...key, owner: { podIndex: 0 }, lifetime });
  let once = true;
  beforeAnswer(pod.line, async ({ kind }) => {
    if (kind === "get" && once) await w.store.execute({ kind: "set", ...key, owner: { podIndex: 0 }, lifetime });
    once = false;
  });
  expect(await settled(w.clock, ask(pod, "ann"))).toMatchObject({ ok: false, reason: "unavailable" });
  expect(await settled(w.clock, ask(pod, "ann"))).toMatchObject({ reason: "held-by", link: { podIndex: 1 } });
});

test("a uid that was left for the next life is not taken again", async () => {
  const w = world();
  const pod = await w.running(0);
  await settled(w.clock, Promise.all([ask(pod, "ann"), ask(pod, "bob")]));
  pod.driver.onHandOff((uid) => (uid === "bob" ? new Promise(() => undefined) : undefined));
  void pod.driver.stop();
  await w.clock.advance(FAST.propagationMs + 100);
  expect(pod.driver.read()).toMatchObject({ left: 1, held: 1 });
  expect(await settled(w.clock, ask(pod, "ann"))).toEqual({ ok: false, reason: "stopped" });
});

test("a newer life's link stops the pod from touching it", async () => {
  const { w, pod } = await draining();
  const incarnation = (pod.driver.identity?.incarnation ?? 0) + 1000;
  await w.store.execute({ kind: "set", ...key, owner: { podIndex: 0, incarnation }, lifetime: "persistent" });
  expect(await settled(w.clock, ask(pod, "ann"))).toEqual({ ok: false, reason: "stopped" });
  expect(await w.link("ann")).toMatchObject({ podIndex: 0, incarnation });
});
