import { defer, RouteError, sleep } from "@podlink/types";
import { expect, test } from "vitest";
import type { GuardAnswer } from "../src/index.ts";
import { ask, beforeAnswer, entered, FAST, granted, NAMESPACE, SERVICE, settled, world } from "./support/world.ts";

const row = async (w: ReturnType<typeof world>, podIndex = 0) =>
  (await w.store.readPods(NAMESPACE, SERVICE)).rows.find((found) => found.podIndex === podIndex);

/** Pod 0 holds the uids; pod 1 could take them. */
async function two(uids: readonly string[], options = {}) {
  const w = world();
  const leaving = await w.running(0, options);
  const other = await w.running(1);
  await settled(w.clock, Promise.all(uids.map((uid) => ask(leaving, uid))));
  await w.clock.advance(FAST.heartbeatIntervalMs);
  return { w, leaving, other };
}

test("fault 2: while the news travels a draining pod keeps its users and says DenyNewCall", async () => {
  const { w, leaving } = await two(["ann"]);
  void leaving.driver.stop();
  await w.clock.advance(FAST.propagationMs - 1);
  expect(await row(w)).toMatchObject({ serviceState: "Ready", routingState: "DenyNewCall" });
  expect(leaving.driver.state).toMatchObject({ phase: "draining", routingState: "DenyNewCall" });
  expect(leaving.driver.guard("ann")).toMatchObject({ ok: true });
});

test("then each uid is saved, moved as a reservation to the other pod, and the pod says goodbye", async () => {
  const { w, leaving, other } = await two(["ann", "bob"]);
  const saved: string[] = [];
  leaving.driver.onHandOff((uid, link) => void saved.push(`${uid}/${link.podIndex}`));
  const also: string[] = [];
  const stopped = leaving.driver.stop({ handOff: (uid) => void also.push(uid) });
  await w.clock.advance(FAST.propagationMs + 100);
  await stopped;
  expect(saved).toEqual(["ann/0", "bob/0"]);
  expect(also).toEqual(["ann", "bob"]);
  expect(await w.link("ann")).toMatchObject({ podIndex: 1, kind: "reservation", expiresInMs: expect.any(Number) });
  expect((await w.link("ann"))?.incarnation).toBeUndefined();
  expect(await row(w)).toMatchObject({ serviceState: "Terminating", routingState: "Shutdown" });
  expect(leaving.periods.slice(2).map((event) => "reason" in event && event.reason)).toEqual([
    "handed-off",
    "handed-off",
  ]);
  expect(leaving.driver.read()).toMatchObject({ moved: 2, held: 0 });
  granted(await settled(w.clock, other.driver.guard("ann")));
  expect(leaving.observer.events.map((event) => ("phase" in event ? event.phase : ""))).toEqual(
    expect.arrayContaining(["started", "moving", "ended"]),
  );
});

test("requests are held from the start of the hand-off, running ones end first, and the held ones are told who holds", async () => {
  const { w, leaving } = await two(["ann"]);
  const entry = entered(leaving.driver.enter("ann") as ReturnType<typeof entered>);
  const order: string[] = [];
  leaving.driver.onHandOff(() => void order.push("saved"));
  void leaving.driver.stop();
  await w.clock.advance(FAST.propagationMs + 50);
  const held = leaving.driver.guard("ann");
  const alsoHeld = leaving.driver.enter("ann");
  expect(held).toBeInstanceOf(Promise);
  await w.clock.advance(50);
  expect(order).toEqual([]);
  order.push("left");
  entry.leave();
  const link = { podIndex: 1, kind: "reservation" };
  expect(await settled(w.clock, held)).toMatchObject({ ok: false, reason: "held-by", link });
  expect(await settled(w.clock, alsoHeld)).toMatchObject({ ok: false, reason: "held-by", link });
  expect(order).toEqual(["left", "saved"]);
});

test("a request never waits for itself: what it asks inside `run` is answered during the hand-off", async () => {
  const { w, leaving } = await two(["ann", "bob"]);
  const { driver } = leaving;
  const ann = entered(driver.enter("ann") as ReturnType<typeof entered>);
  const bob = entered(driver.enter("bob") as ReturnType<typeof entered>);
  const goOn = defer<void>();
  const answers: (GuardAnswer | Promise<GuardAnswer>)[] = [];
  const request = bob.run(() =>
    ann.run(async () => {
      await goOn.promise;
      const inner = driver.enter("ann");
      if (!(inner instanceof Promise) && inner.ok) inner.leave();
      answers.push(inner, driver.guard("ann"), driver.guard("bob"));
      ann.leave();
      bob.leave();
    }),
  );
  void driver.stop();
  await w.clock.advance(FAST.propagationMs + 60);
  const outside = [driver.guard("ann"), driver.guard("bob")];
  goOn.resolve();
  await w.clock.advance(20);
  await request;
  expect(answers).toMatchObject([{ ok: true }, { ok: true }, { ok: true }]);
  expect(await settled(w.clock, Promise.all(outside.map((answer) => Promise.resolve(answer))), 500)).toMatchObject([
    { reason: "held-by" },
    { reason: "held-by" },
  ]);
});

test("saving may ask the guard for the very uid", async () => {
  const { w, leaving } = await two(["ann"]);
  let inside: unknown;
  leaving.driver.onHandOff((uid) => {
    inside = leaving.driver.guard(uid);
  });
  await settled(w.clock, leaving.driver.stop(), FAST.propagationMs + 100);
  expect(inside).toMatchObject({ ok: true });
});

test("a request that doesn't end, or a save that hangs, is waited for no longer than handOffTimeoutMs", async () => {
  const { w, leaving } = await two(["ann", "bob"]);
  const { signal } = entered(leaving.driver.enter("ann") as ReturnType<typeof entered>);
  const saved: string[] = [];
  leaving.driver.onHandOff((uid) => {
    saved.push(uid);
    return uid === "bob" ? new Promise(() => undefined) : undefined;
  });
  void leaving.driver.stop();
  await w.clock.advance(FAST.propagationMs + 60);
  const held = leaving.driver.guard("bob");
  expect(await settled(w.clock, held, FAST.handOffTimeoutMs)).toMatchObject({ reason: "held-by" });
  expect(saved.toSorted()).toEqual(["ann", "bob"]);
  expect(signal.aborted).toBe(true);
  expect(await w.link("ann")).toMatchObject({ podIndex: 1 });
});

test("a save that throws is logged, and the link moves all the same", async () => {
  const { w, leaving } = await two(["ann"]);
  leaving.driver.onHandOff(() => Promise.reject(new Error("disk full")));
  await settled(w.clock, leaving.driver.stop(), FAST.propagationMs + 100);
  expect(await w.link("ann")).toMatchObject({ podIndex: 1 });
  expect(leaving.driver.read()["handOffsFailed"]).toBe(1);
});

test("the guard is closed before a move is sent", async () => {
  const { w, leaving } = await two(["ann"]);
  const { signal } = granted(leaving.driver.guard("ann") as ReturnType<typeof granted>);
  let closed: boolean | undefined;
  leaving.line.on("execute", ({ args }) => {
    if ((args[0] as { kind: string }).kind === "replace") closed = signal.aborted && !leaving.driver.isHeld("ann");
  });
  await settled(w.clock, leaving.driver.stop(), FAST.propagationMs + 100);
  expect(closed).toBe(true);
});

test("nobody routable: users are saved and left for the next life of this pod, at once", async () => {
  const w = world();
  const { driver } = await w.running(0);
  const { link } = granted(await settled(w.clock, driver.guard("ann")));
  const saved: string[] = [];
  driver.onHandOff((uid) => void saved.push(uid));
  await settled(w.clock, driver.stop(), FAST.propagationMs + 100);
  expect(saved).toEqual(["ann"]);
  expect(await w.link("ann")).toMatchObject({ podIndex: 0, token: link.token });
  expect(driver.read()).toMatchObject({ left: 1, moved: 0 });
  const next = await w.running(0);
  expect(Number(granted(await settled(w.clock, next.driver.guard("ann"))).link.token)).toBeGreaterThan(
    Number(link.token),
  );
});

test("pods that are draining themselves get nobody", async () => {
  const { w, leaving, other } = await two(["ann"]);
  other.driver.setRoutingState("DenyNewCall");
  await w.clock.advance(FAST.heartbeatIntervalMs);
  await settled(w.clock, leaving.driver.stop(), FAST.propagationMs + 100);
  expect(await w.link("ann")).toMatchObject({ podIndex: 0 });
});

test("users move to a pod that a rolling restart came to before, rather than to one that will go next", async () => {
  const w = world();
  await w.running(2);
  await w.clock.advance(10);
  const leaving = await w.running(1);
  await settled(w.clock, leaving.driver.guard("bob"));
  await w.clock.advance(10);
  await w.running(0); // the youngest, and the next to go
  await w.clock.advance(10);
  await w.running(3);
  await w.clock.advance(FAST.heartbeatIntervalMs);
  await settled(w.clock, leaving.driver.stop(), 1000);
  expect(await w.link("bob")).toMatchObject({ podIndex: 3 });
});

test("a draining pod asked for a uid that it doesn't hold points elsewhere", async () => {
  const { w, leaving, other } = await two([]);
  const key = { namespace: NAMESPACE, service: SERVICE };
  const reserved = { owner: { podIndex: 0 }, lifetime: { ttlMs: 60_000 } };
  await w.store.execute({ kind: "setIfAbsent", ...key, uid: "reserved", ...reserved });
  await settled(w.clock, other.driver.guard("theirs"));
  void leaving.driver.stop();
  await w.clock.advance(10);
  for (const uid of ["reserved", "theirs", "fresh"]) {
    const answer = await settled(w.clock, leaving.driver.guard(uid));
    expect(answer).toMatchObject({ ok: false, reason: "held-by", link: { uid, podIndex: 1 } });
    expect((await w.link(uid))?.podIndex).toBe(1);
  }
});

test("a draining pod takes a uid only if nobody else can, and hands it off in its turn", async () => {
  const w = world();
  const { driver } = await w.running(0);
  void driver.stop();
  await w.clock.advance(10);
  const { link } = granted(await settled(w.clock, driver.guard("ann")));
  expect(link.podIndex).toBe(0);
  await w.clock.advance(FAST.propagationMs + 100);
  expect(driver.state.phase).toBe("stopped");
  expect(driver.read()["left"]).toBe(1);
});

test("moves are paced by drainRatePerSecond", async () => {
  const uids = Array.from({ length: 100 }, (_, index) => `u${index}`);
  const { w, leaving } = await two(uids, { drainRatePerSecond: 100 });
  void leaving.driver.stop();
  await w.clock.advance(FAST.propagationMs + 500);
  expect(leaving.driver.read()["moved"]).toBeGreaterThan(40);
  expect(leaving.driver.read()["moved"]).toBeLessThan(60);
  await w.clock.advance(600);
  expect(leaving.driver.state.phase).toBe("stopped");
});

test("moves are faster when the deadline asks for it", async () => {
  const uids = Array.from({ length: 100 }, (_, index) => `u${index}`);
  const { w, leaving } = await two(uids, { drainRatePerSecond: 1 });
  await settled(w.clock, leaving.driver.stop(), FAST.stop.deadlineMs);
  expect(leaving.driver.read()).toMatchObject({ moved: 100 });
});

test("at the deadline the guard closes, signals are aborted, and the goodbye is still said", async () => {
  const { w, leaving } = await two(["ann"]);
  const { signal } = entered(leaving.driver.enter("ann") as ReturnType<typeof entered>);
  leaving.driver.onHandOff(() => new Promise(() => undefined));
  const stopped = leaving.driver.stop({ deadlineMs: 300 });
  await w.clock.advance(240);
  expect(signal.aborted).toBe(true);
  expect(leaving.driver.guard("ann")).toEqual({ ok: false, reason: "stopped" });
  await settled(w.clock, stopped, 60);
  expect(await row(w)).toMatchObject({ serviceState: "Terminating" });
  expect(await w.link("ann")).toMatchObject({ podIndex: 0 });
});

test("stop is idempotent, and a second call hurries", async () => {
  const { w, leaving } = await two(["ann", "bob"], { propagationMs: 2000, stop: { deadlineMs: 10_000 } });
  const first = leaving.driver.stop();
  await w.clock.advance(100);
  const second = leaving.driver.stop();
  await w.clock.advance(50);
  await Promise.all([first, second]);
  expect(await w.link("ann")).toMatchObject({ podIndex: 1 });
  await leaving.driver.stop();
});

test.each([
  ["before its hand-off began", FAST.propagationMs / 2],
  ["in the middle of its hand-off", FAST.propagationMs + 100],
])("a drain hurried %s saves and moves a user whose request doesn't end", async (_when, hurriedAfterMs) => {
  const { w, leaving } = await two(["ann"]);
  const entry = entered(leaving.driver.enter("ann") as ReturnType<typeof entered>);
  const saved: string[] = [];
  leaving.driver.onHandOff(async (uid) => {
    await sleep(50, { clock: w.clock });
    saved.push(uid);
  });
  void leaving.driver.stop();
  await w.clock.advance(hurriedAfterMs);
  void leaving.driver.stop({ deadlineMs: 200 });
  await w.clock.advance(200);
  expect(saved).toEqual(["ann"]);
  expect(entry.signal.aborted).toBe(true);
  expect(await w.link("ann")).toMatchObject({ podIndex: 1 });
});

test("a drain with little time waits for a request no longer than half of it", async () => {
  const { w, leaving } = await two(["ann"]);
  entered(leaving.driver.enter("ann") as ReturnType<typeof entered>);
  let savedAtMs: number | undefined;
  leaving.driver.onHandOff(() => void (savedAtMs = w.clock.nowMs()));
  const begunAtMs = w.clock.nowMs();
  // A quarter of the deadline is for the goodbye: 100 ms are left after the news has travelled.
  void leaving.driver.stop({ deadlineMs: 400 });
  await w.clock.advance(400);
  expect(savedAtMs).toBe(begunAtMs + FAST.propagationMs + 50);
  expect(await w.link("ann")).toMatchObject({ podIndex: 1 });
});

test("a hurried drain has no pace, not even for the slice that had begun", async () => {
  const uids = Array.from({ length: 100 }, (_, index) => `u${index}`);
  const { w, leaving } = await two(uids, { drainRatePerSecond: 1, stop: { deadlineMs: 3_600_000 } });
  void leaving.driver.stop();
  await w.clock.advance(FAST.propagationMs + 100);
  expect(leaving.driver.read()["moved"]).toBe(1);
  const hurried = leaving.driver.stop();
  await settled(w.clock, hurried, 1);
  expect(leaving.driver.read()).toMatchObject({ moved: 100 });
});

test("fault 11: stop ends within its deadline, and leaks no timer", async () => {
  const { w, leaving, other } = await two(["ann"]);
  leaving.driver.onHandOff(() => new Promise(() => undefined));
  const begunAtMs = w.clock.nowMs();
  let endedAtMs = 0;
  void leaving.driver.stop({ deadlineMs: 1000 }).then(() => (endedAtMs = w.clock.nowMs()));
  await w.clock.advance(1000);
  expect(endedAtMs - begunAtMs).toBeLessThanOrEqual(1000);
  expect(endedAtMs).toBeGreaterThan(0);
  await other.driver.close();
  expect(w.clock.pendingTimers).toBe(0);
});

test("the goodbye is repeated until it is answered", async () => {
  const { w, leaving } = await two([]);
  let failures = 3;
  leaving.line.on("leave", () => {
    failures -= 1;
    if (failures >= 0) leaving.line.dropRequests(1);
  });
  await settled(w.clock, leaving.driver.stop(), 2000);
  expect(leaving.line.calls.leave).toBe(4);
  expect(await row(w)).toMatchObject({ serviceState: "Terminating" });
});

test("a move whose answer is lost: the uid is not held, and the held request is told to come back", async () => {
  const { w, leaving } = await two(["ann"]);
  beforeAnswer(leaving.line, (op) => {
    if (op.kind === "replace") throw new RouteError("TIMEOUT", "lost", { outcome: "unknown" });
  });
  const entry = entered(leaving.driver.enter("ann") as ReturnType<typeof entered>);
  void leaving.driver.stop();
  await w.clock.advance(FAST.propagationMs + 20);
  const held = leaving.driver.guard("ann");
  entry.leave();
  expect(await settled(w.clock, held)).toMatchObject({ ok: false, reason: "unavailable" });
});

test("a pod that is stopped while it starts ends, too", async () => {
  const w = world();
  const { driver, line } = w.pod(0);
  line.hang();
  const started = expect(driver.start()).rejects.toBeDefined();
  void driver.stop({ deadlineMs: 500 });
  await w.clock.advance(1000);
  await started;
  expect(driver.state.phase).toBe("stopped");
  expect(w.clock.pendingTimers).toBe(0);
});

test("asyncDispose stops in an orderly way", async () => {
  const { w, leaving } = await two(["ann"]);
  await settled(w.clock, leaving.driver[Symbol.asyncDispose](), 1000);
  expect(await w.link("ann")).toMatchObject({ podIndex: 1 });
});

test("not Ready for notReadyHandOverMs: users are handed over as in a drain, and served until then", async () => {
  const { w, leaving } = await two(["ann", "bob"]);
  const saved: string[] = [];
  leaving.driver.onHandOff((uid) => void saved.push(uid));
  leaving.driver.setServiceState("NotReady");
  await w.clock.advance(FAST.notReadyHandOverMs - 10);
  expect(leaving.driver.guard("ann")).toMatchObject({ ok: true });
  await w.clock.advance(200);
  expect(saved).toEqual(["ann", "bob"]);
  expect(await w.link("ann")).toMatchObject({ podIndex: 1 });
  expect(leaving.driver.state.phase).toBe("running");
  expect(await settled(w.clock, leaving.driver.guard("cy"))).toMatchObject({
    reason: "held-by",
    link: { podIndex: 1 },
  });
  leaving.driver.ready();
  granted(await settled(w.clock, leaving.driver.guard("dan")));
});

test("not Ready and nobody else: users stay and are served until somebody can take them", async () => {
  const w = world();
  const { driver } = await w.running(0);
  await settled(w.clock, driver.guard("ann"));
  driver.setServiceState("NotReady");
  await w.clock.advance(FAST.notReadyHandOverMs + 1000);
  expect(driver.guard("ann")).toMatchObject({ ok: true });
  await w.running(1);
  await w.clock.advance(500);
  expect(await w.link("ann")).toMatchObject({ podIndex: 1 });
});

test("Ready again in time: nobody moves", async () => {
  const { w, leaving } = await two(["ann"]);
  leaving.driver.setServiceState("NotReady");
  await w.clock.advance(FAST.notReadyHandOverMs - 10);
  leaving.driver.ready();
  await w.clock.advance(FAST.notReadyHandOverMs);
  expect(leaving.driver.isHeld("ann")).toBe(true);
});

test("a slow answer to a beat under way does not hold up the end", async () => {
  const { w, leaving } = await two(["ann"]);
  leaving.line.on("report", () => new Promise<void>(() => undefined));
  leaving.line.on("leave", () => new Promise<void>(() => undefined));
  const begunAtMs = w.clock.nowMs();
  let endedAtMs = Number.POSITIVE_INFINITY;
  void leaving.driver.stop({ deadlineMs: 800 }).then(() => (endedAtMs = w.clock.nowMs()));
  await w.clock.advance(800);
  expect(endedAtMs - begunAtMs).toBeLessThanOrEqual(800);
});

test("what a request left running behind is held like any other once the request has ended", async () => {
  const { w, leaving } = await two(["ann"]);
  const { driver } = leaving;
  const entry = entered(driver.enter("ann") as ReturnType<typeof entered>);
  const saving = defer<void>();
  driver.onHandOff(() => saving.promise);
  let late: GuardAnswer | Promise<GuardAnswer> | undefined;
  entry.run(() => void sleep(FAST.propagationMs + 50, { clock: w.clock }).then(() => (late = driver.guard("ann"))));
  entry.leave();
  void driver.stop();
  await w.clock.advance(FAST.propagationMs + 60); // it is being saved: what is changed now would be lost
  expect(late).toBeInstanceOf(Promise);
  saving.resolve();
  expect(await settled(w.clock, late as Promise<GuardAnswer>)).toMatchObject({ ok: false, reason: "held-by" });
});

test("a second call hurries the goodbye, too", async () => {
  const { w, leaving } = await two([]);
  leaving.line.hang();
  let ended = false;
  void leaving.driver.stop().then(() => (ended = true));
  await w.clock.advance(FAST.propagationMs + 500);
  expect(ended).toBe(false);
  void leaving.driver.stop({ deadlineMs: 300 });
  await w.clock.advance(300);
  expect(ended).toBe(true);
});

test("a pod that is stopped before it has registered: its start says so", async () => {
  const w = world();
  const { driver, line } = w.pod(0);
  line.delay(20);
  const started = expect(driver.start()).rejects.toMatchObject({ code: "CLOSED" });
  void driver.stop({ deadlineMs: 40 });
  await w.clock.advance(200);
  await started;
});

test("not Ready and alone: users are served at once, also while the store hangs", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  await settled(w.clock, driver.guard("ann"));
  driver.setServiceState("NotReady");
  await w.clock.advance(FAST.notReadyHandOverMs - 10);
  line.hang();
  for (let passed = 0; passed < 300; passed += 10) {
    expect(driver.guard("ann")).toMatchObject({ ok: true });
    await w.clock.advance(10);
  }
});
