import { recordingObserver } from "@podlink/testkit";
import type { RecordingObserver } from "@podlink/testkit";
import { RouteError } from "@podlink/types";
import type { JoinOptions, Podlink } from "podlink";
import { expect, test, vi } from "vitest";
import type { PlacedPod } from "../rows/support/pods-place.ts";
import { GENEROUS, NAMESPACE, Place, ROUTES, routable, SERVER, SERVICE, settle } from "../rows/support/pods-place.ts";

// What an operator is told, of each thing that the semantics know, on a real Redis: once where it happens.

/** A lease that a busy machine doesn't end: what is told is what was done to the pod. */
const LASTING = { ...SERVER, leaseMs: 3000, leaseMarginMs: 300 };

type Observed<T> = T & { readonly told: RecordingObserver };

async function observedPod(place: Place, podIndex: number, options: JoinOptions = {}): Promise<Observed<PlacedPod>> {
  const told = recordingObserver();
  return { ...(await place.pod(podIndex, { server: LASTING, ...options, observer: told })), told };
}

async function observedCaller(place: Place): Promise<{ readonly caller: Podlink; readonly told: RecordingObserver }> {
  const told = recordingObserver();
  return { caller: await place.caller({ observer: told }), told };
}

/** What was told of a kind, without the names. */
const facts = (
  { told }: { readonly told: RecordingObserver },
  kind: Parameters<RecordingObserver["eventsOf"]>[0],
): Record<string, unknown>[] =>
  told.eventsOf(kind).map(({ kind: _kind, namespace: _namespace, service: _service, ...fact }) => fact);

/** What was told of the store, in turn: a busy machine may lose it, and find it, once more. */
function storeAnswers({ told }: { readonly told: RecordingObserver }, seenBy: "readings" | "reports"): boolean[] {
  const answers = told.eventsOf("store").flatMap((event) => (event.seenBy === seenBy ? [event.answers] : []));
  // A change is told once: never the same twice running.
  expect(answers.filter((answer, index) => answer === (index % 2 === 0))).toEqual([]);
  return answers;
}

const resolved = (caller: Podlink, uid: string): Promise<unknown> =>
  vi.waitFor(() => caller.service(SERVICE).resolve(uid), GENEROUS);

test("a pod that is cut off: the pod tells that it is fenced and back, the caller that it moved the user for silence", async () => {
  await using place = await Place.start();
  const pod = await observedPod(place, 0);
  const other = await observedPod(place, 1);
  const { caller, told } = await observedCaller(place);
  await routable(caller, 2);
  await settle(caller, pod, "ann");
  pod.line.add({ fault: "blackhole", afterEnd: "dead" });
  await vi.waitFor(
    async () => expect(await caller.service(SERVICE).resolve("ann")).toMatchObject({ podIndex: 1 }),
    GENEROUS,
  );
  expect(await other.pod.driver.guard("ann")).toMatchObject({ ok: true });
  pod.line.heal();
  await vi.waitFor(() => expect(facts(pod, "registered")).toHaveLength(2), GENEROUS);
  await vi.waitFor(() => expect(storeAnswers(pod, "reports").slice(0, 2)).toEqual([false, true]), GENEROUS);

  expect(facts({ told }, "link-replaced")).toEqual([{ podIndex: 0, reason: "silent" }]);
  expect(facts(pod, "fenced")).toEqual([{ podIndex: 0, because: "lease-over" }]);
  expect(facts(pod, "registered")).toMatchObject([{ because: "start" }, { because: "fenced" }]);
  expect(facts(pod, "epoch-changed")).toEqual([]);
  expect(facts(other, "link-taken")).toEqual([{ podIndex: 1, again: false }]);
  expect(facts(other, "fenced")).toEqual([]);
});

test("FLUSHALL: each pod tells one change of epoch, its registration because of it, and a sweep that takes all again", async () => {
  await using place = await Place.start();
  const pod = await observedPod(place, 0);
  const { caller } = await observedCaller(place);
  await routable(caller, 1);
  for (const uid of ["ann", "bob", "cy"]) await settle(caller, pod, uid);
  await place.redis.cli("FLUSHALL");
  await vi.waitFor(() => expect(facts(pod, "sweep")).toHaveLength(2), GENEROUS);
  expect(facts(pod, "epoch-changed")).toEqual([{ podIndex: 0, because: "gone" }]);
  expect(facts(pod, "registered")).toMatchObject([{ because: "start" }, { because: "gone" }]);
  expect(facts(pod, "sweep")).toEqual([
    { podIndex: 0, phase: "started", links: 3 },
    { podIndex: 0, phase: "ended", links: 0 },
  ]);
  expect(facts(pod, "link-taken").map(({ again }) => again)).toEqual([false, false, false, true, true, true]);
  expect(facts(pod, "fenced")).toEqual([]);
  expect(facts(pod, "link-lost")).toEqual([]);
  expect(pod.pod.read()).toMatchObject({ epochChanges: 1, claimedAgain: 3, unverified: 0 });
});

test("an operator deletes a link: its owner tells that it was lost", async () => {
  await using place = await Place.start();
  const pod = await observedPod(place, 0);
  const { caller } = await observedCaller(place);
  await routable(caller, 1);
  await settle(caller, pod, "ann");
  const keys = (await place.redis.cli("KEYS", `pl:{${NAMESPACE}/*}ann`)) as string[];
  await place.redis.cli("DEL", ...keys);
  await vi.waitFor(() => expect(facts(pod, "link-lost")).toEqual([{ podIndex: 0 }]), GENEROUS);
  expect(facts(pod, "epoch-changed")).toEqual([]);
});

test("a drain tells its phases with what is held, each link that moves, and nothing as lost", async () => {
  await using place = await Place.start();
  const pod = await observedPod(place, 0);
  const other = await observedPod(place, 1);
  const { caller, told } = await observedCaller(place);
  await routable(caller, 2);
  for (const uid of ["ann", "bob"]) await settle(caller, pod, uid);
  await pod.pod.stop();
  expect(facts(pod, "drain")).toEqual([
    { podIndex: 0, phase: "started", links: 2 },
    { podIndex: 0, phase: "moving", links: 2 },
    { podIndex: 0, phase: "ended", links: 0 },
  ]);
  expect(facts(pod, "handed-off")).toEqual([
    { podIndex: 0, moved: true },
    { podIndex: 0, moved: true },
  ]);
  expect(facts(pod, "link-replaced")).toEqual([
    { podIndex: 0, reason: "hand-off" },
    { podIndex: 0, reason: "hand-off" },
  ]);
  expect(facts(pod, "link-lost")).toEqual([]);
  for (const uid of ["ann", "bob"]) {
    await resolved(caller, uid);
    expect(await other.pod.driver.guard(uid)).toMatchObject({ ok: true });
  }
  expect(facts(other, "link-taken")).toHaveLength(2);
  expect(facts({ told }, "link-replaced")).toEqual([]);
});

test("a pod that said goodbye while it held users: the caller tells that it moved them for that", async () => {
  await using place = await Place.start();
  const pod = await observedPod(place, 0);
  const { caller, told } = await observedCaller(place);
  await routable(caller, 1);
  await settle(caller, pod, "ann");
  await pod.pod.stop(); // nobody else: it is left
  expect(facts(pod, "handed-off")).toEqual([{ podIndex: 0, moved: false }]);
  await observedPod(place, 1);
  await vi.waitFor(
    async () => expect(await caller.service(SERVICE).resolve("ann")).toMatchObject({ podIndex: 1 }),
    GENEROUS,
  );
  expect(facts({ told }, "link-replaced")).toEqual([{ podIndex: 0, reason: "goodbye" }]);
});

test("a pod that isn't ready for too long tells that it hands over, and that this is over", async () => {
  await using place = await Place.start();
  const pod = await observedPod(place, 0, { server: { ...LASTING, notReadyHandOverMs: 500 } });
  const other = await observedPod(place, 1);
  const { caller } = await observedCaller(place);
  await routable(caller, 2);
  await settle(caller, pod, "ann");
  pod.pod.driver.setServiceState("NotReady");
  await vi.waitFor(() => expect(facts(pod, "handed-off")).toEqual([{ podIndex: 0, moved: true }]), GENEROUS);
  pod.pod.ready();
  expect(facts(pod, "handing-over")).toEqual([
    { podIndex: 0, active: true },
    { podIndex: 0, active: false },
  ]);
  expect(await other.pod.driver.guard("ann")).toMatchObject({ ok: true });
});

test("a newer life of a pod: the older one tells that it is superseded, once, and stops", async () => {
  await using place = await Place.start();
  const old = await observedPod(place, 0);
  const newer = await observedPod(place, 0, { server: { ...LASTING, takeOver: "now" } });
  await vi.waitFor(() => expect(old.pod.driver.state.phase).toBe("superseded"), GENEROUS);
  await old.pod.stop();
  expect(facts(old, "superseded")).toEqual([{ podIndex: 0 }]);
  expect(facts(old, "drain")).toEqual([]);
  expect(facts(newer, "registered")).toMatchObject([{ because: "start" }]);
});

test("Redis is gone: the caller tells it and each cached link that it serves; the pod serves on without its lease and tells it", async () => {
  await using place = await Place.start();
  const pod = await observedPod(place, 0, { server: { ...LASTING, leaseMarginMs: 1000, whenStoreDown: "serve" } });
  const { caller, told } = await observedCaller(place);
  await routable(caller, 1);
  const link = await settle(caller, pod, "ann");
  await caller.service(SERVICE).resolve("ann");
  place.redis.stop();
  await vi.waitFor(() => expect(storeAnswers({ told }, "readings")).toEqual([false]), GENEROUS);
  await vi.waitFor(() => expect(facts(pod, "serving-without-lease")).toEqual([{ podIndex: 0 }]), GENEROUS);
  expect(pod.pod.driver.guard("ann")).toMatchObject({ ok: true, fenced: true, link: { token: link.token } });
  expect(await caller.service(SERVICE).resolve("ann")).toMatchObject({ podIndex: 0 });
  expect(await caller.service(SERVICE).resolve("ann")).toMatchObject({ podIndex: 0 });
  expect(facts({ told }, "stale-link-served")).toEqual([{ podIndex: 0 }, { podIndex: 0 }]);
  expect(caller.service(SERVICE).status()).toMatchObject({ readingsFail: true, pods: [{ links: "served" }] });
  place.redis.cont();
  await vi.waitFor(() => expect(storeAnswers({ told }, "readings").slice(0, 2)).toEqual([false, true]), GENEROUS);
  await vi.waitFor(() => expect(facts(pod, "registered")).toHaveLength(2), GENEROUS);
  expect(facts(pod, "fenced")).toEqual([{ podIndex: 0, because: "lease-over" }]);
});

test("a panic tells its beginning to whom it holds back, and its end although nobody asks; the listing shows both", async () => {
  await using place = await Place.start();
  const pods = await Promise.all([0, 1, 2, 3, 4].map((podIndex) => observedPod(place, podIndex)));
  const { caller, told } = await observedCaller(place);
  await routable(caller, 5);
  await settle(caller, pods[0]!, "ann");
  for (const { line } of pods.slice(0, 3)) line.add({ fault: "blackhole" });
  const rooms = caller.service(SERVICE);
  await vi.waitFor(async () => {
    await rooms.resolve("ann").catch(() => undefined);
    expect(facts({ told }, "move-refused")).not.toEqual([]);
  }, GENEROUS);
  expect(facts({ told }, "move-refused")[0]).toEqual({ podIndex: 0, because: "panic" });
  expect(facts({ told }, "panic")).toEqual([{ active: true }]);
  expect(rooms.status()).toMatchObject({ panic: true });
  expect(rooms.status().pods[0]).toMatchObject({ notRoutable: "silent", links: "waiting" });
  await vi.waitFor(() => expect(facts({ told }, "panic")).toEqual([{ active: true }, { active: false }]), GENEROUS);
  expect(rooms.status()).toMatchObject({ panic: false });
  expect(rooms.status().pods[0]).toMatchObject({ notRoutable: "silent", links: "moving" });
});

test("a key of another type: caller and pod tell CORRUPT for each operation that meets it, and touch nothing", async () => {
  await using place = await Place.start();
  const pod = await observedPod(place, 0);
  const { caller, told } = await observedCaller(place);
  await routable(caller, 1);
  await settle(caller, pod, "ann");
  const [key = ""] = (await place.redis.cli("KEYS", `pl:{${NAMESPACE}/*}ann`)) as string[];
  await place.redis.cli("DEL", key);
  await place.redis.cli("SET", key, "not ours");
  await expect(caller.client.getLinkedPodNotCache({ service: SERVICE, uid: "ann" })).rejects.toSatisfy(
    (error) => RouteError.is(error) && error.code === "CORRUPT",
  );
  expect(facts({ told }, "corrupt")).toEqual([{}]);
  expect(caller.read()).toMatchObject({ corrupt: 1 });
  await vi.waitFor(() => expect(facts(pod, "corrupt").length).toBeGreaterThan(0), GENEROUS); // its verification
  expect(await place.redis.cli("GET", key)).toBe("not ours");
});

test("a young pod shows its share of new users in its slow start", async () => {
  await using place = await Place.start();
  await observedPod(place, 0);
  const caller = await place.caller({ routes: { ...ROUTES, slowStartMs: 60_000 } });
  await routable(caller, 1);
  const [pod] = caller.service(SERVICE).status().pods;
  expect(pod?.warmth).toBeGreaterThanOrEqual(0.1);
  expect(pod?.warmth).toBeLessThan(1);
});
