import type { FailpointContext } from "@podlink/testkit";
import { failpoints } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { linkKey, RouteError } from "@podlink/types";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { RedisExecutor } from "../src/index.ts";
import { uniquePrefix } from "./support/executor-harness.ts";

const key = { namespace: "prod", service: "room", uid: "ann" };
const claim = { kind: "setIfAbsent", ...key, owner: { podIndex: 1 }, lifetime: { ttlMs: 60_000 } } as const;

let redis: RedisServer;
let store: RedisExecutor;
let prefix: string;
beforeAll(async () => {
  redis = await startRedis();
});
beforeEach(async () => {
  prefix = uniquePrefix();
  store = new RedisExecutor({ url: redis.url, prefix });
  await store.init([key.namespace]);
});
afterEach(async () => {
  failpoints.clear();
  await store.close();
});
afterAll(() => redis.end());

/** Every repeat, as the probe sees it. */
function repeats(): FailpointContext[] {
  const seen: FailpointContext[] = [];
  failpoints.on("before-repeat", { run: (context) => void seen.push(context) });
  return seen;
}

test("an operation that is sent again comes by before-repeat each time, under the same op id", async () => {
  const seen = repeats();
  const error = () => new RouteError("TIMEOUT", "its reply is lost", { outcome: "unknown" });
  failpoints.on("after-script", { action: "throw", error, times: 2 });
  const result = await store.execute(claim);
  expect(result).toMatchObject({ created: true, repeated: true, link: { podIndex: 1 } });
  expect(seen).toMatchObject([
    { ...key, kind: "setIfAbsent", mayHaveRun: true },
    { ...key, kind: "setIfAbsent", mayHaveRun: true },
  ]);
  expect(seen[0]?.["opId"]).toEqual(expect.any(String));
  expect(seen[1]?.["opId"]).toBe(seen[0]?.["opId"]);
});

test("one that certainly was not carried out says so when it is sent again", async () => {
  const seen = repeats();
  const error = () => new RouteError("STORE_UNAVAILABLE", "it was never sent", { outcome: "not-applied" });
  failpoints.on("before-script", { action: "throw", error, times: 1 });
  expect(await store.execute({ ...claim, uid: "bob" })).toMatchObject({ created: true });
  expect(seen).toMatchObject([{ uid: "bob", mayHaveRun: false }]);
});

test("what is sent once doesn't, also when its outcome stays unknown", async () => {
  const seen = repeats();
  const error = () => new RouteError("TIMEOUT", "its reply is lost", { outcome: "unknown" });
  const lost = failpoints.on("after-script", { action: "throw", error, times: 1 });
  await expect(store.execute({ ...claim, kind: "set" })).rejects.toMatchObject({ outcome: "unknown" });
  lost.end();
  expect(await store.execute({ kind: "get", ...key })).toMatchObject({ podIndex: 1 }); // it was carried out
  expect(seen).toEqual([]);
});

test("each operation of a call that is sent again, and of no other", async () => {
  const seen = repeats();
  const error = () => new RouteError("STORE_UNAVAILABLE", "not sent", { outcome: "not-applied" });
  failpoints.on("before-script", { action: "throw", error, times: 1, where: ({ script }) => script === "createLinks" });
  const ops = ["ann", "bob"].map((uid) => ({ ...claim, uid }));
  const freeing = { kind: "remove", ...key, uid: "carl", graceMs: 0 } as const;
  const [answers, removed] = await Promise.all([store.executeAll(ops), store.execute(freeing)]);
  expect(answers).toMatchObject([{ value: { created: true } }, { value: { created: true } }]);
  expect(removed).toEqual({ removed: false });
  expect(seen.map(({ uid }) => uid)).toEqual(["ann", "bob"]);
});

test("operations of one turn travel together whether or not somebody listens", async () => {
  const calls = () => store.read()["linkScripts"] ?? 0;
  const together = async (): Promise<number> => {
    const before = calls();
    await Promise.all(Array.from({ length: 20 }, (_, at) => store.execute({ ...claim, uid: `u${at}` })));
    return calls() - before;
  };
  expect(await together()).toBe(1);
  const probe = failpoints.on("before-script", { run: () => undefined });
  expect(await together()).toBe(1);
  expect(probe.hits).toBe(1);
});

test.each([
  ["before-script", "not-applied"],
  ["after-script", "unknown"],
] as const)("a call that is stuck at %s ends at its deadline: %s", async (name, outcome) => {
  const stuck = failpoints.on(name, { action: "pause" });
  const call = store.execute(claim, { timeoutMs: 50 });
  await stuck.reached();
  await expect(call).rejects.toMatchObject({ code: "TIMEOUT", outcome });
  stuck.end();
  expect(await store.execute(claim)).toMatchObject({ link: { podIndex: 1 } });
});

test("an operation whose repeat is refused may still have been carried out: its outcome stays unknown", async () => {
  const uid = "dora";
  const error = () => new RouteError("TIMEOUT", "its reply is lost", { outcome: "unknown" });
  // Carried out, and then somebody of a newer version has the link before the repeat arrives.
  failpoints.on("after-script", {
    run: async () => {
      await redis.cli("HSET", linkKey(prefix, key.namespace, uid, 64), key.service, "2|of the future");
    },
    times: 1,
  });
  failpoints.on("after-script", { action: "throw", error, times: 1 });
  await expect(store.execute({ ...claim, uid })).rejects.toMatchObject({ code: "CORRUPT", outcome: "unknown" });
  await expect(store.execute({ ...claim, uid })).rejects.toMatchObject({ code: "CORRUPT", outcome: "not-applied" });
});
