import type { RedisCluster } from "@podlink/testkit/redis";
import { startCluster } from "@podlink/testkit/redis";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { RedisExecutor } from "../../src/index.ts";
import { eventually } from "../support/connections.ts";
import { uniquePrefix } from "../support/executor-harness.ts";

const NAMESPACE = "prod";
const at = (uid: string) => ({ namespace: NAMESPACE, service: "room", uid });
const lifetime = { ttlMs: 600_000 };
const set = (uid: string) => ({ kind: "set", ...at(uid), owner: { podIndex: 1 }, lifetime }) as const;
const renew = (uid: string) => ({ kind: "renew", ...at(uid), expected: { podIndex: 1 }, lifetime }) as const;
const LINK_BUCKETS = 64;
const uids = Array.from({ length: 6000 }, (_, index) => `u${index}`);

let cluster: RedisCluster;
beforeAll(async () => void (cluster = await startCluster()));
afterAll(() => cluster.end());

let store: RedisExecutor;
const scriptCalls = (): number => store.read()["linkScripts"] ?? 0;
beforeEach(async () => {
  store = new RedisExecutor({
    cluster: { nodes: cluster.addresses },
    prefix: uniquePrefix(),
    linkBuckets: LINK_BUCKETS,
  });
  onTestFinished(() => store.close());
  await store.init([NAMESPACE], { timeoutMs: 10_000 });
  const answers = await store.executeAll(uids.map(set), { timeoutMs: 20_000 });
  expect(answers.filter((answer) => "error" in answer)).toEqual([]);
});

/** One node has too few replicas: it refuses whole calls that change something, and is there all the same. */
const refuse = (isRefused: boolean): Promise<unknown> =>
  Promise.resolve(cluster.nodes[0]?.config("min-replicas-to-write", isRefused ? 1 : 0));

test("thousands that one node refuses ask it now and then, not each by itself", async () => {
  await refuse(true);
  const before = scriptCalls();
  const answers = await store.executeAll(uids.map(renew), { timeoutMs: 1500 });
  const refused = answers.filter((answer) => "error" in answer);
  const attempts = scriptCalls() - before;
  await refuse(false);
  expect(refused.length).toBeGreaterThan(1000);
  expect(refused.length).toBeLessThan(uids.length);
  const onWire = refused.filter(({ error }) => error.outcome === "unknown");
  expect(onWire.length, "those that just tried").toBeLessThanOrEqual(LINK_BUCKETS);
  for (const answer of refused.filter((one) => !onWire.includes(one)))
    expect(answer).toMatchObject({ error: { code: "STORE_UNAVAILABLE", outcome: "not-applied" } });
  expect(attempts).toBeLessThan(refused.length);
  await eventually("none waits any more", () => store.read()["linksWaiting"] === 0);
});

test("and all are carried out, together, once it takes them", async () => {
  await refuse(true);
  const before = scriptCalls();
  const renewals = store.executeAll(uids.map(renew), { timeoutMs: 20_000 });
  await eventually("some were refused again", () => (store.read()["linkRepeats"] ?? 0) > 100);
  await refuse(false);
  const answers = await renewals;
  expect(answers.filter((answer) => "error" in answer)).toEqual([]);
  const attempts = scriptCalls() - before;
  expect(attempts).toBeLessThan(uids.length / 8);
  expect(store.read()).toMatchObject({ linksWaiting: 0, linkScriptsOnWire: 0 });
});
