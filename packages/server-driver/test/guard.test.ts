import { expect, test } from "vitest";
import { ask, entered, FAST, granted, NAMESPACE, SERVICE, settled, world } from "./support/world.ts";

const key = (uid: string) => ({ namespace: NAMESPACE, service: SERVICE, uid });

test("a started and ready pod claims a uid once and then answers without I/O, in the same turn", async () => {
  const w = world();
  const { driver, line, periods } = await w.running(0);
  const first = granted(await settled(w.clock, driver.guard("ann")));
  expect(first.link).toMatchObject({ podIndex: 0, kind: "owned", incarnation: driver.identity?.incarnation });
  expect(await w.link("ann")).toMatchObject({ token: first.link.token });
  line.resetCounts();
  expect(driver.guard("ann")).toBe(first);
  expect(line.totalCalls).toBe(0);
  expect(periods).toEqual([{ kind: "taken", uid: "ann", link: first.link }]);
  expect(driver.held()).toBe(1);
});

test("fault 1: pod 0 is an ordinary pod: it takes what was reserved for it", async () => {
  const w = world();
  const { driver } = await w.running(0);
  await w.store.execute({ kind: "setIfAbsent", ...key("ann"), owner: { podIndex: 0 }, lifetime: { ttlMs: 60_000 } });
  expect(granted(await settled(w.clock, driver.guard("ann"))).link).toMatchObject({ podIndex: 0, kind: "owned" });
});

test("requests of an unknown uid at the same time share one claim", async () => {
  const w = world();
  const pod = await w.running(0);
  const { line } = pod;
  const asked = Array.from({ length: 50 }, () => ask(pod, "ann"));
  const answers = await settled(w.clock, Promise.all(asked));
  expect(line.operations.setIfAbsent).toBe(1);
  expect(new Set(answers).size).toBe(1);
});

test("another pod's uid is held-by, with its link", async () => {
  const w = world();
  const [zero, one] = [await w.running(0), await w.running(1)];
  const { link } = granted(await settled(w.clock, zero.driver.guard("ann")));
  expect(await settled(w.clock, one.driver.guard("ann"))).toEqual({ ok: false, reason: "held-by", link });
});

test.each([
  ["another namespace", { namespace: "other" }],
  ["another service", { service: "other" }],
  ["another index", { podIndex: 1 }],
  ["a later life", { incarnation: Number.MAX_SAFE_INTEGER }],
])("a request that means %s is not-me, without I/O", async (_, meant) => {
  const w = world();
  const { driver, line } = await w.running(0);
  line.resetCounts();
  const pod = { namespace: NAMESPACE, service: SERVICE, podIndex: 0, ...meant };
  expect(driver.guard("ann", { pod })).toEqual({ ok: false, reason: "not-me" });
  expect(line.totalCalls).toBe(0);
});

test("a request that means an earlier life of this index is welcome: a claim decides", async () => {
  const w = world();
  const { driver } = await w.running(0);
  const pod = { namespace: NAMESPACE, service: SERVICE, podIndex: 0, incarnation: 1 };
  granted(await settled(w.clock, driver.guard("ann", { pod })));
});

test("a token higher than any asked about costs one claim, and only one", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  const { link } = granted(await settled(w.clock, driver.guard("ann")));
  const token = String(Number(link.token) + 5);
  line.resetCounts();
  const first = driver.guard("ann", { token });
  expect(first).toBeInstanceOf(Promise);
  expect(granted(await settled(w.clock, first)).link.token).toBe(link.token);
  expect(driver.guard("ann", { token })).not.toBeInstanceOf(Promise);
  expect(driver.guard("ann", { token: link.token })).not.toBeInstanceOf(Promise);
  expect(line.operations.setIfAbsent).toBe(1);
});

test("a higher token that is right ends the period and names the pod that holds", async () => {
  const w = world();
  const { driver, line, periods } = await w.running(0);
  const { signal } = granted(await settled(w.clock, driver.guard("ann")));
  line.dropPushes(1);
  const set = { kind: "set", ...key("ann"), owner: { podIndex: 1 }, lifetime: { ttlMs: 60_000 } } as const;
  const moved = await w.store.execute(set);
  const { token } = moved.link;
  expect(driver.guard("ann")).toMatchObject({ ok: true });
  expect(await settled(w.clock, driver.guard("ann", { token }))).toMatchObject({ reason: "held-by", link: { token } });
  expect(signal.aborted).toBe(true);
  expect(periods.at(-1)).toMatchObject({ kind: "ended", reason: "lost", link: { podIndex: 1 } });
});

test("a claim that times out is unavailable, and the uid stays unknown", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  line.dropReplies(1);
  expect(await settled(w.clock, driver.guard("ann"))).toMatchObject({ ok: false, reason: "unavailable" });
  expect(driver.isHeld("ann")).toBe(false);
  // It was executed after all: the next claim finds the very same incarnation's own.
  const { link } = granted(await settled(w.clock, driver.guard("ann")));
  expect((await w.link("ann"))?.token).toBe(link.token);
});

test("a claim whose answer arrives when the lease is over doesn't count", async () => {
  const w = world();
  const { driver, line, periods } = await w.running(0);
  const asked = driver.guard("ann");
  line.on("report", () => new Promise<void>(() => undefined));
  line.on("execute", () => w.clock.jumpWall(101));
  const answer = await settled(w.clock, asked);
  expect(answer).toMatchObject({ ok: false, reason: "fenced" });
  expect(periods).toEqual([]);
  expect((await w.link("ann"))?.podIndex).toBe(0); // it was executed, and counts for nothing
});

test("a claim that hangs: each request waits no longer than it wants to", async () => {
  const w = world();
  const { driver, line } = await w.running(0, { commandTimeoutMs: 400 });
  line.hang();
  const asked = driver.guard("ann", { timeoutMs: 30 });
  expect(await settled(w.clock, asked, 30)).toMatchObject({ reason: "unavailable" });
  const abort = new AbortController();
  const cancelled = expect(driver.guard("ann", { signal: abort.signal })).rejects.toMatchObject({ code: "CANCELLED" });
  const other = driver.guard("ann");
  abort.abort();
  await w.clock.advance(0);
  await cancelled;
  expect(await settled(w.clock, other, 400)).toMatchObject({ reason: "unavailable" });
});

test("a fenced pod says fenced, registers again, and claims what it held under a new token", async () => {
  const w = world();
  const { driver, line, periods, observer } = await w.running(0);
  const before = granted(await settled(w.clock, driver.guard("ann")));
  line.cut();
  await w.clock.advance(FAST.leaseMs - FAST.leaseMarginMs);
  expect(driver.guard("ann")).toMatchObject({ ok: false, reason: "fenced" });
  expect(before.signal.aborted).toBe(true);
  expect(driver.state.phase).toBe("fenced");
  line.heal();
  await w.clock.advance(2 * FAST.heartbeatIntervalMs);
  const after = granted(await settled(w.clock, driver.guard("ann")));
  expect(Number(after.link.token)).toBeGreaterThan(Number(before.link.token));
  expect(after.link.incarnation).toBeGreaterThan(before.link.incarnation ?? 0);
  expect(periods.map(({ kind }) => kind)).toEqual(["taken", "ended", "taken"]);
  expect(observer.events.map(({ kind }) => kind)).toContain("fenced");
});

test("after registering again the next request makes one claim first, and the sweep claims the rest at a pace", async () => {
  const w = world();
  const pod = await w.running(0);
  const { driver, line } = pod;
  const uids = Array.from({ length: 500 }, (_, index) => `u${index}`);
  await settled(w.clock, Promise.all(uids.map((uid) => ask(pod, uid))));
  w.clock.jumpWall(FAST.leaseMarginMs + 1);
  expect(driver.guard("u499")).toMatchObject({ reason: "fenced" });
  line.resetCounts();
  await w.clock.advance(0);
  expect(driver.read()).toMatchObject({ fenced: 1 });
  granted(await settled(w.clock, driver.guard("u499")));
  expect(line.operations.setIfAbsent).toBeLessThanOrEqual(110);
  await w.clock.advance(100);
  expect(line.operations.setIfAbsent).toBeLessThanOrEqual(320); // 2,000 a second
  await w.clock.advance(200);
  expect(driver.read()).toMatchObject({ held: 500, unverified: 0 });
  expect(line.operations.setIfAbsent).toBe(500);
});

test("bad input is refused at the door", async () => {
  const { driver } = world().pod(0);
  expect(() => driver.guard("")).toThrow(/uid must be/);
  expect(() => driver.enter("ann", { token: "x" })).toThrow(/token must be/);
  expect(() => driver.guard("ann", { timeoutMs: -1 })).toThrow(/timeoutMs must be/);
  await expect(driver.claimAgain("ann", "-1")).rejects.toThrow(/tokenFloor must be/);
});

test("a pod that is not started is unavailable", () => {
  const { driver } = world().pod(0);
  expect(driver.guard("ann")).toMatchObject({ ok: false, reason: "unavailable" });
  const pod = { namespace: NAMESPACE, service: SERVICE, podIndex: 0, incarnation: 7 };
  expect(driver.guard("ann", { pod })).toMatchObject({ ok: false, reason: "unavailable" });
});

test("an entered request counts once, and leaves once", async () => {
  const w = world();
  const { driver } = await w.running(0);
  const entry = entered(await settled(w.clock, driver.enter("ann")));
  expect(entered(await settled(w.clock, driver.enter("ann"))).link).toBe(entry.link);
  expect(entry.run(() => 7)).toBe(7);
  entry.leave();
  entry.leave();
  expect(
    await settled(w.clock, driver.enter("ann", { pod: { namespace: "x", service: SERVICE, podIndex: 0 } })),
  ).toEqual({
    ok: false,
    reason: "not-me",
  });
});

test("claimAgain makes a period whose token is above the floor", async () => {
  const w = world();
  const { driver, periods } = await w.running(0);
  const before = granted(await settled(w.clock, driver.guard("ann")));
  const floor = String(Number(before.link.token) + 1_000_000);
  const after = granted(await settled(w.clock, driver.claimAgain("ann", floor)));
  expect(Number(after.link.token)).toBeGreaterThan(Number(floor));
  expect(before.signal.aborted).toBe(true);
  expect(periods.map(({ kind }) => kind)).toEqual(["taken", "ended", "taken"]);
  // Somebody else who was refused by the same token gets what is there.
  expect(granted(await settled(w.clock, driver.claimAgain("ann", floor))).link.token).toBe(after.link.token);
});

test("claimAgain of a uid that isn't held claims it above the floor", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  const floor = String(w.clock.wallMs() * 1000 + 5_000_000);
  const { link } = granted(await settled(w.clock, driver.claimAgain("ann", floor)));
  expect(Number(link.token)).toBeGreaterThan(Number(floor));
  // Owned by this very incarnation without being known here: its token is kept by an ordinary claim, so it is replaced.
  line.dropReplies(1);
  await settled(w.clock, driver.guard("bob"));
  const above = String(Number((await w.link("bob"))?.token) + 10);
  expect(Number(granted(await settled(w.clock, driver.claimAgain("bob", above))).link.token)).toBeGreaterThan(
    Number(above),
  );
});

test("a uid that reads like a token and another uid is never answered for that one", async () => {
  const w = world();
  const pod = await w.running(0);
  const { link } = granted(await settled(w.clock, ask(pod, "ann")));
  const token = String(Number(link.token) + 5);
  const asked = pod.driver.guard("ann", { token });
  const other = ask(pod, `${token}/ann`);
  expect(granted(await settled(w.clock, other)).link.uid).toBe(`${token}/ann`);
  expect(granted(await settled(w.clock, asked)).link.uid).toBe("ann");
});

test("a stopped pod that a request does not mean is not-me, so that the sender looks for the one it means", async () => {
  const w = world();
  const older = await w.running(0);
  const newer = await w.running(0, { takeOver: "now" });
  const pod = { namespace: NAMESPACE, service: SERVICE, podIndex: 0 };
  const meant = { ...pod, incarnation: newer.driver.identity?.incarnation ?? 0 };
  expect(older.driver.guard("ann", { pod: meant })).toEqual({ ok: false, reason: "not-me" });
  expect(older.driver.guard("ann", { pod })).toEqual({ ok: false, reason: "stopped" });
});
