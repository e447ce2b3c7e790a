import { fakeClock, recordingLogger } from "@podlink/testkit";
import { startRedis } from "@podlink/testkit/redis";
import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { decodeRow } from "../../src/pods/row-text.ts";
import { podKeys } from "../../src/pods/service-keys.ts";
import { heartbeat, podReport, registration } from "./pod-report.ts";
import type { PodsStore } from "./pods-store.ts";
import { connectTo, podsStore } from "./pods-store.ts";

const redis = await startRedis();
const connection = connectTo(redis);
afterAll(async () => {
  await connection.close();
  await redis.end();
});

const keysOf = ({ prefix }: PodsStore) => {
  const [pods = "", beats = "", changes = "", meta = ""] = podKeys(prefix, { namespace: "prod", service: "room" });
  return { pods, beats, changes, meta };
};

async function given(store: PodsStore, podIndex = 0): Promise<{ incarnation: number; text: string }> {
  const result = await store.register(registration({ podIndex, report: podReport({ metadata: { a: "1" } }) }));
  const text = (await redis.cli("HGET", keysOf(store).pods, podIndex)) as string;
  return { incarnation: result.registered ? result.incarnation : 0, text };
}

const NEWER = "2|whatever comes then";

describe("rows that can't be read", () => {
  test.each([
    ["nothing", () => ""],
    ["text", () => "hello"],
    ["too few parts", (row: string) => row.split("|").slice(0, 9).join("|")],
    ["an incarnation of 2^53", (row: string) => row.replace(/^1\|\d+/, "1|9007199254740992")],
    ["a load score of 101", (row: string) => row.replace("Ready|0|10|0|", "Ready|0|101|0|")],
    ["a load that is no number", (row: string) => row.replace("Ready|0|10|0|", "Ready|0|ten|0|")],
    ["an unknown state", (row: string) => row.replace("Ready|Ready", "Steady|Ready")],
    ["an address that goes elsewhere", (row: string) => row.replace('"10.0.0.1"', '"10.0.0.1/x?y"')],
    ["metadata that is a list", (row: string) => row.replace('{"a":"1"}', '["1"]')],
    ["half of its JSON", (row: string) => row.slice(0, -4)],
  ])("%s: is skipped and counted, the others are read", async (_, breakRow) => {
    const logger = recordingLogger();
    const store = podsStore({ connection, logger });
    await given(store, 7);
    const { text } = await given(store, 1);
    expect(breakRow(text)).not.toBe(text);
    await redis.cli("HSET", keysOf(store).pods, 1, breakRow(text));
    const reading = await store.readPods("prod", "room");
    expect(reading.rows.map((row) => row.podIndex)).toEqual([7]);
    expect(store.directory.read()).toMatchObject({ podRowsBroken: 1, podRowsNewer: 0 });
  });

  test("a row that the scripts can't read counts as absent: it can be registered over, and is neither reported nor left", async () => {
    const store = podsStore({ connection });
    const { incarnation } = await given(store);
    await redis.cli("HSET", keysOf(store).pods, 0, "1|broken");
    expect(await store.report(heartbeat(incarnation))).toEqual({ accepted: false, reason: "gone" });
    const name = { namespace: "prod", service: "room", podIndex: 0 };
    expect(await store.leave({ ...name, incarnation })).toEqual({ left: false });
    expect(await store.register(registration({ life: "new" }))).toMatchObject({ registered: true, claimAfterMs: 0 });
    expect((await store.readPods("prod", "room")).rows).toMatchObject([{ life: "new" }]);
  });

  test.each([
    ["text", () => "hello"],
    ["an incarnation of 2^53", (row: string) => row.replace(/^1\|\d+/, "1|9007199254740992")],
    ["a state that is no word", (row: string) => row.replace("Ready|Ready", "1|Ready")],
    ["a load state that is no number", (row: string) => row.replace("Ready|0|10|0|", "Ready|zero|10|0|")],
    ["a load score that is no number", (row: string) => row.replace("Ready|0|10|0|", "Ready|0|ten|0|")],
    ["a sequenced load score that is no number", (row: string) => row.replace(/^((?:\d+\|){6})10\|/, "$1ten|")],
  ])("%s: the scripts take it for no row", async (_, breakRow) => {
    const store = podsStore({ connection });
    const { incarnation, text } = await given(store);
    expect(breakRow(text)).not.toBe(text);
    await redis.cli("HSET", keysOf(store).pods, 0, breakRow(text));
    expect(await store.report(heartbeat(incarnation))).toEqual({ accepted: false, reason: "gone" });
    expect(await store.leave({ namespace: "prod", service: "room", podIndex: 0, incarnation })).toEqual({
      left: false,
    });
    expect(await store.register(registration({ life: "new" }))).toMatchObject({ registered: true });
  });

  test("the highest incarnation there is counts as one", async () => {
    const store = podsStore({ connection });
    const { text } = await given(store);
    await redis.cli("HSET", keysOf(store).pods, 0, text.replace(/^1\|\d+/, `1|${Number.MAX_SAFE_INTEGER}`));
    const found = { registered: false, found: Number.MAX_SAFE_INTEGER };
    expect(await store.register(registration({ life: "new" }))).toEqual(found);
  });

  test("a pod whose row is missing is skipped, the others are read", async () => {
    const store = podsStore({ connection });
    for (const podIndex of [0, 1, 2]) await given(store, podIndex);
    await redis.cli("HDEL", keysOf(store).pods, 1);
    expect((await store.readPods("prod", "room")).rows.map((row) => row.podIndex)).toEqual([0, 2]);
    expect(store.directory.read()).toMatchObject({ podRowsBroken: 0, podRowsNewer: 0 });
  });

  test("a number of the service that is none counts as 0", async () => {
    const store = podsStore({ connection });
    await given(store);
    await redis.cli("HSET", keysOf(store).meta, "sequence", "many");
    expect(await store.register(registration({ podIndex: 1 }))).toMatchObject({ registered: true });
    expect((await store.readPods("prod", "room")).sequence).toBe(1);
  });

  test("a row of a newer format is untouched: its calls answer CORRUPT, readings skip it, counted apart", async () => {
    const store = podsStore({ connection });
    const { incarnation } = await given(store);
    await given(store, 1);
    await redis.cli("HSET", keysOf(store).pods, 0, NEWER);
    for (const call of [
      () => store.register(registration({ life: "new" })),
      () => store.report(heartbeat(incarnation)),
      () => store.leave({ namespace: "prod", service: "room", podIndex: 0, incarnation }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: "CORRUPT", outcome: "not-applied" });
    }
    expect(await redis.cli("HGET", keysOf(store).pods, 0)).toBe(NEWER);
    expect((await store.readPods("prod", "room")).rows).toMatchObject([{ podIndex: 1 }]);
    expect(store.directory.read()).toMatchObject({ podRowsBroken: 0, podRowsNewer: 1 });
  });

  test("a silent one is neither listed nor counted as silent", async () => {
    let nowMs = 1_700_000_000_000;
    const store = podsStore({ connection, nowMs: () => nowMs });
    for (const podIndex of [0, 1, 2]) await given(store, podIndex);
    await redis.cli("HSET", keysOf(store).pods, 1, "broken");
    nowMs += 10_000;
    expect(await store.readPods("prod", "room")).toMatchObject({
      silentCount: 2,
      silent: [{ podIndex: 0, ageMs: 10_000 }, { podIndex: 2 }],
    });
  });

  test("are told in the log once a minute, without what they say", async () => {
    const clock = fakeClock();
    const logger = recordingLogger();
    const store = podsStore({ connection, logger, clock });
    await given(store);
    await redis.cli("HSET", keysOf(store).pods, 0, "1|secret");
    const read = async (): Promise<number> => {
      const reading = store.readPods("prod", "room");
      await clock.advance(0);
      await reading;
      return logger.entries.length;
    };
    expect([await read(), await read()]).toEqual([1, 1]);
    await clock.advance(60_000);
    expect(await read()).toBe(2);
    expect(JSON.stringify(logger.entries)).not.toContain("secret");
  });

  test.each(["pods", "beats", "changes", "meta"] as const)(
    "%s of another type: every write answers CORRUPT and leaves all keys as they were",
    async (name) => {
      const store = podsStore({ connection });
      const { incarnation } = await given(store);
      const keys = keysOf(store);
      await redis.cli("SET", keys[name], "somebody else's");
      const before = await dumpOf(Object.values(keys));
      for (const call of [
        () => store.register(registration({ podIndex: 3 })),
        () => store.report(heartbeat(incarnation, { report: podReport({ serviceState: "Failed" }) })),
        () => store.leave({ namespace: "prod", service: "room", podIndex: 0, incarnation }),
      ]) {
        await expect(call()).rejects.toMatchObject({ code: "CORRUPT" });
      }
      expect(await dumpOf(Object.values(keys))).toEqual(before);
    },
  );

  test("whatever stands in a row, decoding it answers", () => {
    const part = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.nat().map(String),
      fc.json(),
      fc.constantFrom("1", "Ready", ""),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 18 }), fc.string({ maxLength: 3 }), (parts, podIndex) => {
        const row = decodeRow(podIndex, parts.join("|"));
        expect(row === "broken" || row === "newer" || Object.isFrozen(row)).toBe(true);
      }),
    );
  });
});

async function dumpOf(keys: readonly string[]): Promise<unknown[]> {
  const contents: unknown[] = [];
  for (const key of keys) contents.push(await redis.cli("DEBUG", "DIGEST-VALUE", key));
  return contents;
}
