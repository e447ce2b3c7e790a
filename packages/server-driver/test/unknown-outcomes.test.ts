import { RouteError, sleep } from "@podlink/types";
import { expect, test } from "vitest";
import { ask, beforeAnswer, FAST, granted, NAMESPACE, SERVICE, settled, world } from "./support/world.ts";

const key = { namespace: NAMESPACE, service: SERVICE, uid: "ann" } as const;

test("a uid whose removal ended unknown is not held", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  const { signal } = granted(await settled(w.clock, driver.guard("ann")));
  line.dropRequests(1);
  await expect(driver.removeLinkedPod("ann", 0)).rejects.toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
  expect(driver.isHeld("ann")).toBe(false);
  expect(signal.aborted).toBe(true);
  expect(driver.read()).toMatchObject({ held: 0, doubtful: 1 });
});

test("it is taken back only by replacing the link under its old token, so that the late removal matches nothing", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  const before = granted(await settled(w.clock, driver.guard("ann"))).link;
  // Sent now, executed much later.
  line.delay(300);
  const removal = expect(driver.removeLinkedPod("ann", 0)).rejects.toMatchObject({ code: "TIMEOUT" });
  await w.clock.advance(FAST.commandTimeoutMs);
  await removal;
  line.delay(0);
  line.resetCounts();
  const after = granted(await settled(w.clock, driver.guard("ann"))).link;
  expect(line.operations).toMatchObject({ replace: 1, setIfAbsent: 0 });
  expect(Number(after.token)).toBeGreaterThan(Number(before.token));
  await w.clock.advance(500); // now the removal is executed
  expect((await w.link("ann"))?.token).toBe(after.token);
  expect(driver.isHeld("ann")).toBe(true);
});

test("when the link has another token by then, an ordinary claim decides", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  await settled(w.clock, driver.guard("ann"));
  line.dropRequests(1);
  await expect(driver.removeLinkedPod("ann", 0)).rejects.toMatchObject({ outcome: "unknown" });
  await w.store.execute({ kind: "set", ...key, owner: { podIndex: 1 }, lifetime: { ttlMs: 60_000 } });
  expect(await settled(w.clock, driver.guard("ann"))).toMatchObject({ reason: "held-by", link: { podIndex: 1 } });
  expect(driver.read()["doubtful"]).toBe(0);
});

test("a taking back whose own answer is lost is tried again", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  await settled(w.clock, driver.guard("ann"));
  line.dropRequests(1);
  await expect(driver.removeLinkedPod("ann", 0)).rejects.toMatchObject({ outcome: "unknown" });
  line.dropReplies(1);
  expect(await settled(w.clock, driver.guard("ann"))).toMatchObject({ reason: "unavailable" });
  const { link } = granted(await settled(w.clock, driver.guard("ann")));
  expect((await w.link("ann"))?.token).toBe(link.token);
});

test("an operation that was certainly not applied leaves no doubt", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  const { link } = granted(await settled(w.clock, driver.guard("ann")));
  line.cut();
  await expect(driver.removeLinkedPod("ann", 0)).rejects.toMatchObject({ outcome: "not-applied" });
  line.heal();
  line.resetCounts();
  expect(granted(await settled(w.clock, driver.guard("ann"))).link.token).toBe(link.token);
  expect(line.operations.replace).toBe(0);
});

test("the guard is closed before a removal is sent", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  const { signal } = granted(await settled(w.clock, driver.guard("ann")));
  let heldWhenSent: boolean | undefined;
  line.on("execute", () => {
    heldWhenSent ??= driver.isHeld("ann") || !signal.aborted;
  });
  await settled(w.clock, driver.removeLinkedPod("ann", 0));
  expect(heldWhenSent).toBe(false);
});

test("one mutation at a time for a link: a claim waits for the removal before it", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  const before = granted(await settled(w.clock, driver.guard("ann"))).link;
  let running = 0;
  let most = 0;
  line.on("execute", async () => {
    running += 1;
    most = Math.max(most, running);
    await Promise.resolve();
    running -= 1;
  });
  const removal = driver.removeLinkedPod("ann", 0);
  const claim = driver.guard("ann");
  await settled(w.clock, removal);
  expect(Number(granted(await settled(w.clock, claim)).link.token)).toBeGreaterThan(Number(before.token));
  expect(most).toBe(1);
});

test("a link lost while a claim of it is under way is not taken for held", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  const { link } = granted(await settled(w.clock, driver.guard("ann")));
  const token = String(Number(link.token) + 1);
  // Executed, and taken from this pod before its answer arrives.
  let once = true;
  beforeAnswer(line, async () => {
    if (once) await w.store.execute({ kind: "set", ...key, owner: { podIndex: 1 }, lifetime: { ttlMs: 60_000 } });
    once = false;
  });
  const asked = driver.guard("ann", { token });
  expect(await settled(w.clock, asked)).toMatchObject({ ok: false, reason: "unavailable" });
  expect(driver.isHeld("ann")).toBe(false);
});

test("a claim that was sent under an earlier registration doesn't count", async () => {
  const w = world();
  const { driver, line } = await w.running(0, { commandTimeoutMs: 300 });
  let once = true;
  beforeAnswer(line, async () => {
    if (!once) return;
    once = false;
    w.store.flushAll(); // the pod registers again while the answer is on its way
    await sleep(50, { clock: w.clock });
  });
  expect(await settled(w.clock, driver.guard("ann"), 60)).toMatchObject({ ok: false, reason: "fenced" });
  expect(driver.state.phase).toBe("running");
  expect(driver.isHeld("ann")).toBe(false);
  const { link } = granted(await settled(w.clock, driver.guard("ann")));
  expect(link.incarnation).toBe(driver.identity?.incarnation);
});

test.each(["remove", "set"] as const)(
  "a %s that was certainly not applied leaves the doubt that was there before",
  async (kind) => {
    const w = world();
    const { driver, line } = await w.running(0);
    granted(await settled(w.clock, driver.guard("ann")));
    // Sent now, executed much later.
    line.delay(300);
    const removal = expect(driver.removeLinkedPod("ann", 0)).rejects.toMatchObject({ outcome: "unknown" });
    await w.clock.advance(FAST.commandTimeoutMs);
    await removal;
    line.delay(0);
    const hook = line.on("execute", ({ args }) => {
      if ((args[0] as { kind: string }).kind !== kind) return;
      throw new RouteError("STORE_UNAVAILABLE", "not sent", { outcome: "not-applied" });
    });
    const again = kind === "remove" ? driver.removeLinkedPod("ann", 0) : driver.setLinkedPod("ann");
    await expect(again).rejects.toMatchObject({ outcome: "not-applied" });
    hook.close();
    const { link } = granted(await settled(w.clock, driver.guard("ann")));
    await w.clock.advance(500); // now the first removal is executed
    expect(await w.link("ann")).toMatchObject({ token: link.token });
    expect(driver.isHeld("ann")).toBe(true);
  },
);

test.each(["setLinkedPod", "trySetLinkedPod"] as const)(
  "a link lost while %s is under way is not taken for held",
  async (method) => {
    const w = world();
    const { driver, line } = await w.running(0);
    let once = true;
    beforeAnswer(line, async () => {
      if (once) await w.store.execute({ kind: "set", ...key, owner: { podIndex: 1 }, lifetime: { ttlMs: 60_000 } });
      once = false;
    });
    await settled(w.clock, driver[method]("ann"));
    expect((await w.link("ann"))?.podIndex).toBe(1);
    expect(driver.isHeld("ann")).toBe(false);
  },
);

test("a doubt ends at the next verification that finds the link changed or gone", async () => {
  const w = world();
  const pod = await w.running(0);
  const { driver, line } = pod;
  await settled(w.clock, Promise.all(["ann", "bob", "cy"].map((uid) => ask(pod, uid))));
  for (const uid of ["ann", "bob"]) {
    line.dropReplies(1);
    await expect(driver.removeLinkedPod(uid, 0)).rejects.toMatchObject({ outcome: "unknown" });
  }
  line.dropRequests(1);
  await expect(driver.removeLinkedPod("cy", 0)).rejects.toMatchObject({ outcome: "unknown" });
  await w.store.execute({ kind: "set", ...key, uid: "bob", owner: { podIndex: 1 }, lifetime: { ttlMs: 60_000 } });
  expect(driver.read()["doubtful"]).toBe(3);
  await w.clock.advance(FAST.verifyIntervalMs + 100);
  expect(driver.read()["doubtful"]).toBe(1); // cy's removal may still happen
});
