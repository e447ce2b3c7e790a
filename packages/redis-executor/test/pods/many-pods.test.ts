import { startRedis } from "@podlink/testkit/redis";
import type { PodReading } from "@podlink/types";
import { afterAll, describe, expect, test } from "vitest";
import { heartbeat, podReport, registration } from "./pod-report.ts";
import type { PodsStore } from "./pods-store.ts";
import { connectTo, podsStore } from "./pods-store.ts";
import { withRun } from "./with-run.ts";

const PAGE = 1000;
const MANY = 10_000;

const redis = await startRedis();
const connection = connectTo(redis);
afterAll(async () => {
  await connection.close();
  await redis.end();
});

/** Registers pods; answers the incarnation of the last. */
async function registerMany(store: PodsStore, from: number, to: number): Promise<number> {
  let incarnation = 0;
  for (let podIndex = from; podIndex < to; podIndex += 100) {
    const some = Array.from({ length: Math.min(100, to - podIndex) }, (_, index) =>
      store.register(registration({ podIndex: podIndex + index })),
    );
    const last = (await Promise.all(some)).at(-1);
    if (last?.registered === true) incarnation = last.incarnation;
  }
  return incarnation;
}

/** The same pods as another store reads them: after each page it hears which it was, from 1 on, and what Redis answered. */
function pagesOf(plain: PodsStore, onPage: (page: number, reply: unknown) => unknown): PodsStore {
  let pages = 0;
  return podsStore({
    prefix: plain.prefix,
    connection: withRun(connection, async (call, script) => {
      const reply = await call();
      if (script.name === "readPods") await onPage((pages += 1), reply);
      return reply;
    }),
  });
}

function emptiedAfterFirstPage(plain: PodsStore): PodsStore {
  return pagesOf(plain, async (page) => {
    if (page > 1) return;
    await redis.cli("FLUSHALL");
    await plain.register(registration({ podIndex: 7, generation: "after" }));
  });
}

const since = ({ generation = "", sequence }: PodReading) => ({ known: { generation, sequence } });

describe("readings of many pods", () => {
  test("10,000 are read by pages of 1,000: all of them, in order", async () => {
    const sizes: number[] = [];
    const store = podsStore({
      connection: withRun(connection, async (call, script) => {
        const reply = await call();
        if (script.name === "readPods") sizes.push((reply as string[][]).at(-1)!.length / 2);
        return reply;
      }),
    });
    await registerMany(store, 0, MANY);
    const reading = await store.readPods("prod", "room", { timeoutMs: 10_000 });
    expect(reading).toMatchObject({ complete: true, sequence: MANY });
    expect(reading.rows.map((row) => row.podIndex)).toEqual(Array.from({ length: MANY }, (_, index) => index));
    expect(sizes).toEqual([...Array.from({ length: MANY / PAGE }, () => PAGE), 0]);
  });

  test("the silent stand on the last page alone", async () => {
    let nowMs = Date.now();
    const told: unknown[] = [];
    const store = podsStore({
      nowMs: () => nowMs,
      connection: withRun(connection, async (call, script) => {
        const reply = await call();
        const [, , , , , , count, listed] = reply as string[];
        if (script.name === "readPods") told.push([count, listed?.length]);
        return reply;
      }),
    });
    await registerMany(store, 0, PAGE + 1);
    nowMs += 60_000;
    expect(await store.readPods("prod", "room", { timeoutMs: 10_000 })).toMatchObject({ silentCount: PAGE + 1 });
    expect(told).toEqual([
      ["0", 0],
      ["1001", 4 * 128],
    ]);
  });

  test("a reading that follows the sequence costs the same with 10 pods and with 5,000", async () => {
    const costs: unknown[] = [];
    const nowMs = Date.now(); // registering takes a while, and nobody is to fall silent meanwhile
    for (const pods of [10, 5000]) {
      let bytes = 0;
      const store = podsStore({
        nowMs: () => nowMs,
        connection: withRun(connection, async (call) => {
          const reply = await call();
          bytes = JSON.stringify(reply).length;
          return reply;
        }),
      });
      const incarnation = await registerMany(store, 90_00, 90_00 + pods);
      const whole = await store.readPods("prod", "room", { timeoutMs: 10_000 });
      const podIndex = 90_00 + pods - 1;
      await store.report(heartbeat(incarnation, { podIndex, report: podReport({ loadScore: 50 }) }));
      await redis.cli("CONFIG", "RESETSTAT");
      const changed = await store.readPods("prod", "room", since(whole));
      expect(changed).toMatchObject({ complete: false, rows: [{ podIndex, loadScore: 50 }] });
      costs.push({ bytes: Math.round(bytes / 20), commands: await commandsRun() });
    }
    expect(costs[1]).toEqual(costs[0]);
  });

  test("what changed is read by pages of 1,000 too, and nothing else; a row that changes meanwhile stands in a later one", async () => {
    const sizes: number[] = [];
    const plain = podsStore({ connection });
    const store = pagesOf(plain, async (page, reply) => {
      sizes.push((reply as string[][]).at(-1)!.length / 2);
      if (page === 1) await plain.register(registration({ podIndex: 4000 }));
    });
    await registerMany(plain, 0, 500);
    const before = await plain.readPods("prod", "room");
    await registerMany(plain, 500, 500 + PAGE + 1);
    const changed = await store.readPods("prod", "room", { ...since(before), timeoutMs: 10_000 });
    const podIndexes = Array.from({ length: PAGE + 1 }, (_, index) => 500 + index);
    expect(changed).toMatchObject({ complete: false, sequence: before.sequence + PAGE + 2 });
    expect(changed.rows.map((row) => row.podIndex)).toEqual([...podIndexes, 4000]);
    expect(sizes).toEqual([PAGE, 2]);
  });

  test("a store that is emptied between two pages of what changed is read whole", async () => {
    const plain = podsStore({ connection });
    const store = emptiedAfterFirstPage(plain);
    await registerMany(plain, 0, 1);
    const before = await plain.readPods("prod", "room");
    await registerMany(plain, 1, PAGE + 1);
    const reading = await store.readPods("prod", "room", since(before));
    expect(reading).toMatchObject({ complete: true, generation: "after", rows: [{ podIndex: 7 }] });
  });

  test("pods that change, come and go while the pages are read are as they are at the end", async () => {
    let pages = 0;
    const plain = podsStore({ connection });
    const store = pagesOf(plain, async (page) => {
      pages = page;
      if (page > 1) return;
      await plain.report(heartbeat(last, { podIndex: 1499, report: podReport({ serviceState: "NotReady" }) }));
      await plain.register(registration({ podIndex: 2000 }));
      await plain.leave({ namespace: "prod", service: "room", podIndex: 0, incarnation: first });
    });
    const first = await registerMany(plain, 0, 1);
    const last = await registerMany(plain, 1, 1500);
    const reading = await store.readPods("prod", "room", { timeoutMs: 10_000 });
    expect(pages).toBe(2);
    expect(reading).toEqual({ ...(await plain.readPods("prod", "room")), nowMs: reading.nowMs });
    expect(reading.rows).toHaveLength(1501);
    expect(reading.rows[0]).toMatchObject({ serviceState: "Terminating" });
  });

  test("a store that is emptied between two pages is read from the beginning", async () => {
    const plain = podsStore({ connection });
    const store = emptiedAfterFirstPage(plain);
    await registerMany(plain, 0, PAGE);
    const reading = await store.readPods("prod", "room", { timeoutMs: 10_000 });
    expect(reading).toMatchObject({ complete: true, generation: "after", rows: [{ podIndex: 7 }] });
  });

  test("so is one that has gone back between two pages, as after a failover that lost the newest changes", async () => {
    let pages = 0;
    const plain = podsStore({ connection });
    const store = pagesOf(plain, async (page) => {
      pages = page;
      if (page === 1) await redis.cli("HSET", `${plain.prefix}:{prod/room}:meta`, "sequence", 900);
    });
    await registerMany(plain, 0, PAGE);
    expect(await store.readPods("prod", "room", { timeoutMs: 10_000 })).toMatchObject({ sequence: 900 });
    expect(pages).toBe(4);
  });

  test("a reading nobody waits for any more asks for no further page", async () => {
    let pages = 0;
    const plain = podsStore({ connection });
    await registerMany(plain, 0, PAGE);
    const end = new AbortController();
    const store = pagesOf(plain, (page) => {
      pages = page;
      end.abort();
    });
    await expect(store.readPods("prod", "room", { signal: end.signal })).rejects.toMatchObject({ code: "CANCELLED" });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(pages).toBe(1);
  });
});

/** How often Redis ran which command since its statistics were reset; without those of the test itself. */
async function commandsRun(): Promise<Record<string, string | undefined>> {
  const stats = await redis.info("commandstats");
  const own = Object.entries(stats).filter(([name]) => !/config|info|ping|client/.test(name));
  return Object.fromEntries(own.map(([name, figures]) => [name, /calls=\d+/.exec(figures)?.[0]]));
}
