import { setTimeout } from "node:timers/promises";
import { faultRow } from "@podlink/faults";
import { startRedis } from "@podlink/testkit/redis";
import { expect } from "vitest";
import { openStore, read, set, uids } from "./support/redis-store.ts";

faultRow(23, "scripts are flushed again and again under load: no call fails, none overtakes another", async (row) => {
  await using redis = await startRedis();
  await using store = await openStore({ url: redis.url });
  await using other = await openStore({ url: redis.url });
  const server = row.server(redis);
  const users = uids("user", 20);
  let isOver = false;
  let calls = 0;
  /** One user's operations, each asked for when the one before was answered: each must find what that one left. */
  const live = async (uid: string): Promise<number> => {
    let turn = 0;
    let token = 0;
    while (!isOver) {
      const podIndex = turn % 100;
      const store_ = turn % 2 === 0 ? store : other;
      const answer = await row.request(() => store_.execute(set(uid, podIndex), { timeoutMs: 5000 }));
      if (!("link" in answer) || "superseded" in answer) throw new Error("set was superseded");
      expect(answer).not.toHaveProperty("repeated");
      expect(answer.previous?.podIndex).toBe(turn === 0 ? undefined : (turn - 1) % 100);
      expect(Number(answer.link.token)).toBeGreaterThan(token);
      token = Number(answer.link.token);
      turn += 1;
      calls += 1;
    }
    return (turn - 1) % 100;
  };
  const lives = Promise.all(users.map(live));
  const flushes = 100;
  for (let flush = 0; flush < flushes; flush += 1) {
    await server.cli("SCRIPT", "FLUSH");
    await setTimeout(5);
  }
  isOver = true;
  const last = await lives;
  const links = await store.executeAll(users.map(read));
  expect(links).toMatchObject(last.map((podIndex) => ({ value: { podIndex } })));
  for (const each of [store, other]) expect(each.read()["linkRepeats"]).toBe(0);
  const { cmdstat_eval = "" } = await redis.info("commandstats");
  const sentWhole = Number(/calls=(\d+)/.exec(cmdstat_eval)?.[1] ?? 0);
  expect(sentWhole).toBeGreaterThan(flushes / 4);
  row.saw(`${flushes} flushes, ${calls} calls, 0 failed, 0 out of order; scripts sent whole ${sentWhole} times`);
});
