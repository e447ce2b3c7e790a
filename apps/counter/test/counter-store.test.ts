import { startRedis } from "@podlink/testkit/redis";
import type { RedisServer } from "@podlink/testkit/redis";
import { FenceRefused } from "podlink";
import { startFaultProxy } from "podlink/testing";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { CounterStore } from "../src/counter-store.ts";

const older = { token: "1", holder: "0.1" };
const newer = { token: "2", holder: "1.1" };
const one = { count: 1, keys: ["a"] };

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.end());

/** Closed with the test. */
function storeAt(url: string): CounterStore {
  const store = new CounterStore(url);
  onTestFinished(() => store.close());
  return store;
}

describe("the fence of the counters", () => {
  // #region fence
  it("a write of an older owner is refused, and changes nothing", async () => {
    const store = storeAt(redis.url);
    await store.load("ann", older);
    await store.load("ann", newer);
    const refused = await store.write("ann", older, one).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(FenceRefused);
    expect(refused).toMatchObject({ token: newer.token });
    expect(await store.load("ann", newer)).toEqual({ count: 0, keys: [] });
  });
  // #endregion

  it("an older owner can't load, nor can another holder of the same token", async () => {
    const store = storeAt(redis.url);
    await store.load("bob", newer);
    await expect(store.load("bob", older)).rejects.toThrow(FenceRefused);
    await expect(store.load("bob", { ...newer, holder: "2.1" })).rejects.toThrow(FenceRefused);
    await expect(store.write("bob", { ...newer, holder: "2.1" }, one)).rejects.toThrow(FenceRefused);
    expect(await store.load("bob", newer)).toEqual({ count: 0, keys: [] });
  });

  it("what was never loaded can't be written", async () => {
    await expect(storeAt(redis.url).write("cid", newer, one)).rejects.toThrow(FenceRefused);
  });
});

// #region lost-reply
it("a write whose answer is lost was done; the same write again changes nothing", async () => {
  await using proxy = await startFaultProxy({ target: redis });
  const store = storeAt(proxy.url("redis"));
  await store.load("dan", newer);
  const lost = proxy.add({ fault: "loseReply", times: 1, bytes: (chunk) => chunk.includes("written") });

  await expect(store.write("dan", newer, one)).rejects.toThrow(); // its caller doesn't know
  expect(lost.fired).toBe(1);
  expect(await storeAt(redis.url).load("dan", newer)).toEqual(one);
  await store.write("dan", newer, one);
  expect(await store.load("dan", newer)).toEqual(one);
});
// #endregion
