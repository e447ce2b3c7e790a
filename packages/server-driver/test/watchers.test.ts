import type { InvariantWatch } from "@podlink/testkit";
import { watchInvariants } from "@podlink/testkit";
import type { LinkOp } from "@podlink/types";
import { expect, test } from "vitest";
import type { GuardAnswer, PeriodEvent } from "../src/index.ts";
import { ServerDriver } from "../src/index.ts";
import { peersOf } from "./support/peers.ts";
import type { TestPod, World } from "./support/world.ts";
import { entered, FAST, granted, NAMESPACE, SERVICE, settled, world } from "./support/world.ts";

/** Over calls of the store: those of a driver settle within its own commandTimeoutMs. */
const withinMs = () => 4 * FAST.commandTimeoutMs;

/** A pod whose store and guard are watched. @param lie puts another in the driver's place before it is watched. */
async function watched(
  w: World,
  watch: InvariantWatch,
  podIndex: number,
  lie: (driver: ServerDriver) => ServerDriver = (driver) => driver,
): Promise<Pick<TestPod, "driver" | "line">> {
  const { line } = w.pod(podIndex);
  const store = watch.store(line.store, { name: `pod ${podIndex}`, withinMs });
  const settings = { ...FAST, namespace: NAMESPACE, service: SERVICE, podIndex };
  const routes = peersOf(store, NAMESPACE);
  const driver = watch.pod(lie(new ServerDriver({ store, routes, clock: w.clock }, settings)));
  await driver.start();
  driver.ready();
  await w.clock.advance(FAST.heartbeatIntervalMs);
  return { driver, line };
}

const ask = async ({ driver }: Pick<TestPod, "driver">, uid: string): Promise<GuardAnswer> => driver.guard(uid);

/** What a caller does about a link whose pod has been silent for lease and grace. */
async function failOver(w: World, watch: InvariantWatch, uid: string, podIndex: number): Promise<void> {
  const key = { namespace: NAMESPACE, service: SERVICE, uid };
  const caller = watch.store(w.store, { name: "caller" });
  const link = await caller.execute({ kind: "get", ...key });
  const lifetime = { ttlMs: 60_000 };
  await caller.execute({ kind: "replace", ...key, expectedToken: link?.token ?? "0", owner: { podIndex }, lifetime });
}

const UIDS = ["ann", "bob", "cat"];

test("two pods through claims, a lease that ends, a failover, a release and a drain: nothing is accused", async () => {
  const w = world();
  const watch = watchInvariants({ clock: w.clock });
  const first = await watched(w, watch, 0);
  const second = await watched(w, watch, 1);
  const samples = watch.sampling({ everyMs: 10 });

  for (const uid of UIDS) granted(await settled(w.clock, ask(first, uid)));
  for (const uid of UIDS) expect(await settled(w.clock, ask(second, uid))).toMatchObject({ reason: "held-by" });
  first.line.cut();
  await w.clock.advance(FAST.leaseMs * 2);
  expect(first.driver.state.phase).toBe("fenced");
  await failOver(w, watch, "ann", 1);
  granted(await settled(w.clock, ask(second, "ann")));
  first.line.heal();
  await w.clock.advance(FAST.leaseMs);
  expect(await settled(w.clock, ask(first, "ann"))).toMatchObject({ reason: "held-by" });
  granted(await settled(w.clock, ask(first, "bob")));

  await first.driver.removeLinkedPod("cat", 100);
  granted(await settled(w.clock, ask(first, "cat")));
  const request = entered(await settled(w.clock, Promise.resolve(first.driver.enter("bob"))));
  const stopped = first.driver.stop();
  await w.clock.advance(FAST.propagationMs + 50);
  request.leave();
  await settled(w.clock, stopped, 1000);
  for (const uid of UIDS) granted(await settled(w.clock, ask(second, uid)));

  await settled(w.clock, second.driver.stop(), 2000);
  await settled(w.clock, watch.close(), 1000);
  expect(samples.failures).toBe(0);
  watch.check({ atLeast: { tokens: 20, holders: 100, guards: 9, deadlines: 50 } });
  expect(w.clock.pendingTimers).toBe(0);
});

/** The driver as its guard would be without a lease: once it has held a uid, it says yes for ever. */
function withoutLease(driver: ServerDriver): ServerDriver {
  const taken = new Map<string, GuardAnswer>();
  driver.onPeriod((event: PeriodEvent) => {
    if (event.kind === "taken")
      taken.set(event.uid, { ok: true, link: event.link, signal: new AbortController().signal });
  });
  return new Proxy(driver, {
    get(real, name: keyof ServerDriver) {
      if (name === "isHeld") return (uid: string) => taken.has(uid);
      if (name === "guard") return (uid: string) => taken.get(uid) ?? real.guard(uid);
      const value: unknown = Reflect.get(real, name, real);
      return typeof value === "function" ? (value.bind(real) as unknown) : value;
    },
  });
}

async function failedOver(lie: (driver: ServerDriver) => ServerDriver) {
  const w = world();
  const watch = watchInvariants({ clock: w.clock });
  const first = await watched(w, watch, 0, lie);
  const second = await watched(w, watch, 1);
  granted(await settled(w.clock, ask(first, "ann")));
  first.line.cut();
  await w.clock.advance(FAST.leaseMs * 2);
  await failOver(w, watch, "ann", 1);
  watch.check();
  return { w, watch, first, second };
}

test("a guard that says yes after its lease is found the moment another pod takes the uid", async () => {
  const { w, watch, second } = await failedOver(withoutLease);
  granted(await settled(w.clock, ask(second, "ann")));
  expect(() => watch.check()).toThrow(
    /^holders: "ann" of test\/room: asked at the same instant, .*pod 0\.\d+ and pod 1\.\d+$/,
  );
});

test("and when it serves, though nobody else has taken the uid: its period had ended", async () => {
  const { watch, first } = await failedOver(withoutLease);
  granted(await ask(first, "ann"));
  expect(() => watch.check()).toThrow(
    /^guards: pod 0\.\d+ served "ann" of test\/room with token \d+ at .*and ended at /,
  );
});

test("the same run with the real guard is silent", async () => {
  const { w, watch, first, second } = await failedOver((driver) => driver);
  expect(await ask(first, "ann")).toMatchObject({ ok: false, reason: "fenced" });
  granted(await settled(w.clock, ask(second, "ann")));
  watch.check({ atLeast: { holders: 3, guards: 2, tokens: 3 } });
});

test("a store that answers a claim with a token it gave before is found", async () => {
  const w = world();
  const watch = watchInvariants({ clock: w.clock });
  const old = new Map<string, unknown>();
  const execute = w.store.execute.bind(w.store);
  const store = watch.store(w.store);
  const replaying = async (op: LinkOp): Promise<unknown> => {
    const answer = await execute(op);
    if (op.kind !== "setIfAbsent") return answer;
    const known = old.get(op.uid);
    old.set(op.uid, known ?? answer);
    return known ?? answer;
  };
  w.store.execute = replaying as typeof execute;
  const key = { namespace: NAMESPACE, service: SERVICE, uid: "ann" };
  const claim = {
    kind: "setIfAbsent",
    ...key,
    owner: { podIndex: 0, incarnation: 1 },
    lifetime: "persistent",
  } as const;
  await store.execute(claim);
  await store.execute({ kind: "remove", ...key, graceMs: 0 });
  await w.clock.advance(1);
  await store.execute(claim);
  expect(() => watch.check()).toThrow(/^tokens: "ann" of test\/room: token \d+ was made twice: /);
});

test("a line that never answers is found by the calls that don't settle, with the real driver's own being in time", async () => {
  const w = world();
  const watch = watchInvariants({ clock: w.clock });
  const pod = await watched(w, watch, 0);
  pod.line.hang();
  const claim = watch.deadline("guard", ask(pod, "ann"), FAST.handOffTimeoutMs);
  expect(await settled(w.clock, claim, FAST.handOffTimeoutMs)).toMatchObject({ ok: false, reason: "unavailable" });
  await w.clock.advance(withinMs() + 100);
  const accused = new Set(watch.violations.map(({ evidence }) => evidence["name"]));
  expect(accused).toContain("pod 0.execute");
  expect(accused).not.toContain("guard");
});
