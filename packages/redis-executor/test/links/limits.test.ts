import { defer, RouteError } from "@podlink/types";
import { expect, test } from "vitest";
import { linksOnRedis } from "./links-on-redis.ts";

const at = (uid: string) => ({ namespace: "prod", service: "room", uid });
const set = (uid: string, podIndex = 1) =>
  ({ kind: "set", ...at(uid), owner: { podIndex }, lifetime: { ttlMs: 60_000 } }) as const;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Links whose script calls are held back until `go`. */
async function held(options: { maxWaitingOperations?: number; maxScriptsOnWire?: number } = {}) {
  const on = await linksOnRedis(options);
  let go = (): void => undefined;
  const gate = new Promise<void>((resolve) => (go = resolve));
  on.tap.before = () => gate;
  return { on, go };
}

test("an operation beyond those that may wait is refused at once, and not carried out", async () => {
  const { on, go } = await held({ maxWaitingOperations: 3, maxScriptsOnWire: 1 });
  const sent = on.links.execute(set("sent"));
  await turn();
  const waiting = ["a", "b", "c"].map((uid) => on.links.execute(set(uid)));
  await expect(on.links.execute(set("d"))).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    outcome: "not-applied",
    retryable: true,
  });
  expect(await on.links.executeAll([set("e"), set("f")])).toMatchObject([
    { error: { code: "STORE_UNAVAILABLE" } },
    { error: { code: "STORE_UNAVAILABLE" } },
  ]);
  expect(on.links.read()).toMatchObject({ linksWaiting: 3, linkScriptsOnWire: 1, linksRefusedForLimits: 3 });
  go();
  await Promise.all([sent, ...waiting]);
  expect(on.links.read()).toMatchObject({ linksWaiting: 0, linkScriptsOnWire: 0 });
  expect(await on.links.execute({ kind: "get", ...at("d") })).toBeUndefined();
  await on.close();
});

test("no more scripts than allowed are on the wire; the others leave as answers come", async () => {
  const { on, go } = await held({ maxScriptsOnWire: 2 });
  const asked = Array.from({ length: 1000 }, (_, index) => on.links.execute(set(`u${index}`)));
  await turn();
  expect(on.tap.calls).toHaveLength(2);
  expect(on.links.read()).toMatchObject({ linkScriptsOnWire: 2, linksWaiting: 1000 - 2 * 128 });
  go();
  await Promise.all(asked);
  expect(on.tap.calls).toHaveLength(8);
});

test("nor when many whose callers are gone make way for as many that follow them", async () => {
  await using on = await linksOnRedis({ maxScriptsOnWire: 3 });
  const [areThree, go] = [defer<void>(), defer<void>()];
  on.tap.after = () => {
    if (on.tap.replies.length === 3) areThree.resolve();
    return go.promise;
  };
  let most = 0;
  on.tap.before = () => void (most = Math.max(most, Number(on.links.read()["linkScriptsOnWire"])));
  const asked: Promise<unknown>[] = [];
  for (const uid of ["a", "b", "c"]) {
    asked.push(on.links.execute(set(uid)));
    await turn();
  }
  await areThree.promise; // and all three leave the wire at once
  const abort = new AbortController();
  const gone = Array.from({ length: 512 }, (_, index) => on.links.execute(set(`u${index}`), { signal: abort.signal }));
  for (const cancelled of gone) cancelled.catch(() => undefined);
  for (let index = 0; index < 512; index += 1) asked.push(on.links.execute(set(`u${index}`, 2)));
  for (let index = 512; index < 768; index += 1) asked.push(on.links.execute(set(`u${index}`)));
  abort.abort();
  go.resolve();
  await Promise.all(asked);
  expect(most).toBe(3);
  expect(on.links.read()).toMatchObject({ linksWaiting: 0, linkScriptsOnWire: 0 });
});

test("a link has one mutation at a time in a process, in the order asked; reads and other links go beside it", async () => {
  const { on, go } = await held();
  const mutations = [1, 2, 3, 4].map((podIndex) => on.links.execute(set("alice", podIndex)));
  const other = on.links.execute({ ...set("alice"), service: "other" });
  const read = on.links.execute({ kind: "get", ...at("alice") });
  await turn();
  expect(on.tap.calls.map(({ args }) => args.filter((arg) => arg === "set" || arg === "get"))).toEqual([
    ["set", "set", "get"],
  ]);
  go();
  const results = await Promise.all(mutations);
  expect(results.map((result) => "previous" in result && result.previous?.podIndex)).toEqual([false, 1, 2, 3]);
  expect(await other).toMatchObject({ link: { service: "other" } });
  await read;
  expect(on.tap.calls).toHaveLength(4);
  await on.close();
});

test("a mutation whose caller is gone still holds back the next one until Redis has answered", async () => {
  const { on, go } = await held();
  const first = on.links.execute(set("alice", 1), { timeoutMs: 10 });
  await turn();
  const second = on.links.execute(set("alice", 2), { timeoutMs: 5000 });
  await expect(first).rejects.toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
  expect(on.tap.calls).toHaveLength(1);
  go();
  expect(await second).toMatchObject({ link: { podIndex: 2 }, previous: { podIndex: 1 } });
  await on.close();
});

test("an operation whose caller is gone before it is sent is never sent", async () => {
  const { on, go } = await held({ maxScriptsOnWire: 1 });
  const sent = on.links.execute(set("sent"));
  await turn();
  const abort = new AbortController();
  const late = on.links.execute(set("late"), { timeoutMs: 10 });
  const cancelled = on.links.execute(set("cancelled"), { signal: abort.signal });
  const behind = on.links.execute(set("sent", 2), { timeoutMs: 10 });
  const behindIt = on.links.execute(set("sent", 3));
  abort.abort();
  await expect(cancelled).rejects.toMatchObject({ code: "CANCELLED", outcome: "not-applied" });
  await expect(late).rejects.toMatchObject({ code: "TIMEOUT", outcome: "not-applied" });
  await expect(behind).rejects.toMatchObject({ code: "TIMEOUT", outcome: "not-applied" });
  go();
  await sent;
  expect(await behindIt).toMatchObject({ previous: { podIndex: 1 } });
  for (const uid of ["late", "cancelled"]) expect(await on.links.execute({ kind: "get", ...at(uid) })).toBeUndefined();
  expect(on.links.read()["linksWaiting"]).toBe(0);
  await on.close();
});

test("one caller's abort settles only its own", async () => {
  const { on, go } = await held();
  const abort = new AbortController();
  const cancelled = on.links.execute(set("alice"), { signal: abort.signal });
  const read = on.links.execute({ kind: "get", ...at("bob") }, { signal: abort.signal });
  const other = on.links.execute(set("carol"));
  const all = on.links.executeAll([set("dave"), { kind: "get", ...at("erin") } as const], { signal: abort.signal });
  await turn();
  abort.abort();
  await expect(cancelled).rejects.toMatchObject({ code: "CANCELLED", outcome: "unknown" });
  const error: unknown = await read.catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: "CANCELLED" });
  expect(error, "a read has no effect").not.toHaveProperty("outcome");
  expect(await all).toMatchObject([{ error: { code: "CANCELLED" } }, { error: { code: "CANCELLED" } }]);
  go();
  expect(await other).toMatchObject({ link: { podIndex: 1 } });
  await on.close();
});

test("a call that is settled at once takes no deadline from others of its turn", async () => {
  const { on, go } = await held();
  const cancelled = on.links.execute(set("alice"), { signal: AbortSignal.abort(), timeoutMs: 20 });
  const late = on.links.execute(set("bob"), { timeoutMs: 20 });
  await expect(cancelled).rejects.toMatchObject({ code: "CANCELLED", outcome: "not-applied" });
  await expect(late).rejects.toMatchObject({ code: "TIMEOUT" });
  go();
  await on.close();
});

test("closing settles everything: what was not sent was not applied", async () => {
  const { on } = await held({ maxScriptsOnWire: 1 });
  const call = { timeoutMs: 500 };
  const sent = on.links.execute(set("alice"), call);
  await turn();
  const waiting = [set("bob"), set("alice", 2), set("bob", 2)].map((op) => on.links.execute(op, call));
  on.links.close();
  await expect(waiting[0]).rejects.toMatchObject({ code: "CLOSED", outcome: "not-applied" });
  await expect(waiting[2]).rejects.toMatchObject({ code: "CLOSED", outcome: "not-applied" });
  await expect(on.links.execute({ kind: "get", ...at("carol") })).rejects.toMatchObject({ code: "CLOSED" });
  await expect(on.links.executeAll([])).rejects.toMatchObject({ code: "CLOSED" });
  await expect(on.links.servicesOf("prod", "carol")).rejects.toMatchObject({ code: "CLOSED" });
  await expect(sent, "on the wire: its own deadline").rejects.toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
  await expect(waiting[1], "behind it").rejects.toBeInstanceOf(RouteError);
  await on.close();
});

test("a lane for each of thousands of services is not kept", async () => {
  await using on = await linksOnRedis();
  for (let round = 0; round < 3; round += 1) {
    const ops = Array.from({ length: 1000 }, (_, index) => ({ ...set(`u${index}`), service: `s${round}-${index}` }));
    const answers = await on.links.executeAll(ops, { timeoutMs: 10_000 });
    expect(answers.every((answer) => "value" in answer)).toBe(true);
  }
});
