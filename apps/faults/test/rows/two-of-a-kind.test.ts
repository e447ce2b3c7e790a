import { faultRow } from "@podlink/faults";
import { RedisExecutor } from "@podlink/redis-executor";
import { expect, vi } from "vitest";
import { httpPod, startGateway } from "./support/pods-http.ts";
import type { PlacedPod } from "./support/pods-place.ts";
import { GENEROUS, NAMESPACE, Place, routable, SERVER, SERVICE, settle, storedLink } from "./support/pods-place.ts";

const name = { namespace: NAMESPACE, service: SERVICE };

faultRow(
  47,
  "what the old life of a restarted pod still asks is refused, also late; callers have left it",
  async (row) => {
    await using place = await Place.start(row);
    const old = await httpPod(place, { life: "old", podIndex: 0 });
    const caller = await place.caller();
    const gateway = await startGateway(place, caller);
    await routable(caller, 1);
    await using zombie = new RedisExecutor({ url: old.line.url("redis"), commandTimeoutMs: 200 });
    await zombie.init([NAMESPACE], { timeoutMs: 10_000 });
    const before = await settle(caller, old, "ann");
    expect(await (await gateway("ann")).text()).toBe("old");
    expect(await old.connections()).toBe(1);
    const was = { podIndex: 0, incarnation: before.incarnation!, token: before.token };

    const dark = old.line.add({ fault: "blackhole", afterEnd: "resume" });
    const late = zombie.execute({ kind: "remove", ...name, uid: "ann", graceMs: 0, expected: was });
    await row.request(() => expect(late).rejects.toMatchObject({ outcome: "unknown" }));
    const renewed = await httpPod(place, { life: "new", podIndex: 0 });
    const { incarnation } = renewed.pod.identity!;
    expect(incarnation).toBeGreaterThan(was.incarnation);
    await vi.waitFor(async () => expect(await (await row.request(() => gateway("ann"))).text()).toBe("new"), GENEROUS);
    await vi.waitFor(async () => expect(await old.connections()).toBe(0), GENEROUS);
    const servedByOld = old.served();
    const taken = (await storedLink(caller, "ann"))!;
    expect(taken).toMatchObject({ podIndex: 0, incarnation, kind: "owned" });
    expect(Number(taken.token)).toBeGreaterThan(Number(before.token));

    // It doesn't know yet: what is meant for the new life it refuses, and its own it can't serve.
    expect(await old.pod.driver.guard("ann", { pod: { ...name, podIndex: 0, incarnation } })).toMatchObject({
      reason: "not-me",
    });
    expect(await old.pod.driver.guard("ann")).toMatchObject({ ok: false, reason: "fenced" });

    // What it had sent arrives now, and it sends more.
    dark.end();
    await vi.waitFor(() => expect(old.pod.driver.state.phase).toBe("superseded"), GENEROUS);
    const ops = [
      { kind: "renew", ...name, uid: "ann", expected: was, lifetime: "persistent" },
      { kind: "remove", ...name, uid: "ann", graceMs: 0, expected: was },
      { kind: "set", ...name, uid: "ann", owner: was, lifetime: "persistent" },
    ] as const;
    for (const op of ops) {
      const answer = await row.request(() => zombie.execute(op, { timeoutMs: 2000 }));
      expect(answer).toMatchObject({ link: { token: taken.token, incarnation } });
      expect("superseded" in answer || ("renewed" in answer && !answer.renewed)).toBe(true);
    }
    expect(await old.pod.driver.guard("ann")).toMatchObject({ ok: false, reason: "stopped" });
    expect(await old.pod.driver.guard("bob")).toMatchObject({ ok: false, reason: "stopped" });
    expect(old.served()).toBe(servedByOld);
    expect(await storedLink(caller, "ann")).toMatchObject({ token: taken.token, incarnation });
    expect(await (await gateway("ann")).text()).toBe("new");
    row.saw("renew, remove and set of the old life refused, one of them late; 0 connections left to it");
  },
);

faultRow(
  48,
  "an index used again: links are inherited by a claim, and a stranger at the old address serves nobody",
  async (row) => {
    await using place = await Place.start(row);
    const first = await httpPod(place, { life: "first", podIndex: 2 });
    await httpPod(place, { life: "zero", podIndex: 0 });
    await httpPod(place, { life: "one", podIndex: 1 });
    const caller = await place.caller();
    const gateway = await startGateway(place, caller);
    await routable(caller, 3);
    const before = await settle(caller, first, "ann");
    expect(await (await gateway("ann")).text()).toBe("first");

    // Scaled down without a goodbye; a pod of another service gets its address, and its index there.
    first.line.add({ fault: "blackhole" });
    await first.pod.driver.close();
    first.server.closeAllConnections();
    await new Promise((resolve) => first.server.close(resolve));
    const stranger = await httpPod(place, { life: "stranger", service: "lobby", podIndex: 2, port: first.port });
    const answer = await row.request(() => gateway("ann"));
    expect(answer.status).toBe(503);
    expect(caller.read()["misdirected"]).toBeGreaterThan(0);
    expect(stranger.served()).toBe(0);
    expect(await storedLink(caller, "ann")).toMatchObject({ token: before.token, podIndex: 2 });

    const second = await httpPod(place, { life: "second", podIndex: 2 });
    await vi.waitFor(
      async () => expect(await (await row.request(() => gateway("ann"))).text()).toBe("second"),
      GENEROUS,
    );
    const after = (await storedLink(caller, "ann"))!;
    expect(after).toMatchObject({ podIndex: 2, incarnation: second.pod.identity!.incarnation, kind: "owned" });
    expect(Number(after.token)).toBeGreaterThan(Number(before.token));
    expect(stranger.served()).toBe(0);
    expect(caller.read()).toMatchObject({ replacements: 0 });
    row.saw("the stranger was asked and served 0 requests; the next life claimed the link under a new token");
  },
);

faultRow(
  48,
  "scaled from 3 to 2 to 3 in an orderly way: users move with a new token each, and stay when the index is back",
  async (row) => {
    await using place = await Place.start(row);
    const [, , first] = [await place.pod(0), await place.pod(1), await place.pod(2)] as const;
    const caller = await place.caller();
    await routable(caller, 3);
    const rooms = caller.service(SERVICE);
    const moved = Array.from({ length: 20 }, (_, user) => `moved-${user}`);
    const before = await Promise.all(moved.map((uid) => settle(caller, first, uid)));

    await row.inject("process", "an orderly stop, and another life under the same index", () => first.pod.stop());
    await routable(caller, 2);
    const down = await Promise.all(moved.map((uid) => row.request(() => rooms.resolve(uid))));
    for (const [index, link] of down.entries()) {
      expect(link.podIndex).not.toBe(2);
      expect(Number(link.token)).toBeGreaterThan(Number(before[index]!.token));
    }
    // A caller that has not heard of the stop yet reserves for the index: the pod that has it next must claim that.
    await caller.client.setLinkedPodIfAbsent({ service: SERVICE, uid: "left" }, 2);
    const left = (await storedLink(caller, "left"))!;

    const second = await place.pod(2);
    await routable(caller, 3);
    expect(second.pod.identity!.incarnation).toBeGreaterThan(before[0]!.incarnation!);
    expect(second.pod.driver.held()).toBe(0);
    for (const [index, uid] of moved.entries()) {
      const { podIndex } = down[index]!;
      expect(await row.request(() => rooms.resolve(uid))).toMatchObject({ podIndex });
      expect(await second.pod.driver.guard(uid)).toMatchObject({ ok: false, reason: "held-by", link: { podIndex } });
    }
    expect(await rooms.resolve("left")).toMatchObject({ podIndex: 2 });
    const claimed = await second.pod.driver.guard("left");
    expect(claimed).toMatchObject({ ok: true, link: { podIndex: 2, kind: "owned" } });
    const inherited = (await storedLink(caller, "left"))!;
    expect(inherited.incarnation).toBe(second.pod.identity!.incarnation);
    expect(Number(inherited.token)).toBeGreaterThan(Number(left.token));
    expect(await first.pod.driver.guard("left")).toMatchObject({ ok: false, reason: "stopped" });
    expect(caller.read()).toMatchObject({ replacements: 0 });
    row.saw("20 users moved by the drain stayed; 1 link was claimed by the index's next life under a new token");
  },
);

faultRow(49, "two register at once: the newer wins and waits for the older's lease, the older stops", async (row) => {
  await using place = await Place.start(row);
  const caller = await place.caller();
  using both = row.failpoint("before-register", { action: "pause", times: 2 });
  const starting = [place.pod(0), place.pod(0)];
  await both.reached({ hits: 2 });
  const beganAtMs = performance.now();
  both.release();
  // The older one hears of it while it starts, or right after: its start is refused, or it stops.
  const settled = await Promise.allSettled(starting);
  const started = settled.filter((one) => one.status === "fulfilled").map(({ value }) => value);
  for (const one of settled) if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "SUPERSEDED" });
  const [newer, ...others] = started.toSorted((a, b) => incarnationOf(b) - incarnationOf(a)) as [
    PlacedPod,
    ...PlacedPod[],
  ];
  for (const { pod } of others) {
    await vi.waitFor(() => expect(pod.driver.state.phase).toBe("superseded"), GENEROUS);
    expect(await pod.driver.guard("ann")).toMatchObject({ ok: false, reason: "stopped" });
  }
  expect(await row.request(() => newer.pod.driver.guard("ann", { timeoutMs: 50 }))).toMatchObject({
    reason: "unavailable",
  });
  const views = await caller.routes.getAllServiceState(SERVICE);
  expect(views.map(({ row: { podIndex, incarnation } }) => [podIndex, incarnation])).toEqual([
    [0, incarnationOf(newer)],
  ]);

  expect(newer.pod.driver.state.phase).toBe("waiting");
  expect(await caller.routes.routablePods(SERVICE)).toEqual([]);
  let servedAtMs = 0;
  await vi.waitFor(async () => {
    const answer = await row.request(() => newer.pod.driver.guard("ann", { timeoutMs: 50 }));
    servedAtMs = performance.now();
    expect(answer.ok).toBe(true);
  }, GENEROUS);
  expect(servedAtMs - beganAtMs).toBeGreaterThanOrEqual(SERVER.leaseMs);
  await routable(caller, 1);
  row.saw(
    `the newer served its first request ${Math.round(servedAtMs - beganAtMs)} ms after both registered, lease 1000 ms`,
  );
});

faultRow(49, "the older hears of the newer by push: no report of its own tells it", async (row) => {
  await using place = await Place.start(row);
  const server = { ...SERVER, leaseMs: 5000, leaseMarginMs: 500, heartbeatIntervalMs: 200 };
  const older = await place.pod(0, { server });
  const caller = await place.caller({ client: { leaseMs: 5000, leaseMarginMs: 500 } });
  await routable(caller, 1);
  await settle(caller, older, "ann");
  const phases: string[] = [];
  older.pod.driver.onState(({ phase }) => phases.push(phase));
  const mine = incarnationOf(older);
  using silent = row.failpoint("before-report", { action: "throw", where: ({ incarnation }) => incarnation === mine });
  await silent.reached();
  const newer = await place.pod(0, { server });
  expect(incarnationOf(newer)).toBeGreaterThan(mine);
  await vi.waitFor(() => expect(older.pod.driver.state.phase).toBe("superseded"), GENEROUS);
  expect(phases).not.toContain("fenced");
  expect(await row.request(() => older.pod.driver.guard("ann"))).toMatchObject({ ok: false, reason: "stopped" });
  expect(await newer.pod.driver.guard("ann", { timeoutMs: 50 })).toMatchObject({ ok: false, reason: "unavailable" });
  row.saw("superseded by the pushed registration, all its reports being lost");
});

function incarnationOf({ pod }: PlacedPod): number {
  return pod.identity!.incarnation;
}
