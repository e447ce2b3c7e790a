import type { RedisCluster } from "@podlink/testkit/redis";
import { startCluster } from "@podlink/testkit/redis";
import { linkKey } from "@podlink/types";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { RedisExecutor } from "../../src/index.ts";

let cluster: RedisCluster;
let executor: RedisExecutor;

beforeAll(async () => {
  cluster = await startCluster({ masters: 3 });
  const nodes = cluster.addresses;
  executor = new RedisExecutor({ cluster: { nodes }, linkBuckets: 1 }); // all links of a namespace are in one slot
});
afterAll(async () => {
  await executor.close();
  await cluster.end();
});

test("fault row 19: a slot is moved while links are made in it; no operation fails, none is done twice", async () => {
  const service = { namespace: "moving", service: "room" };
  const slot = await cluster.slotOf(linkKey("pl", service.namespace, "any", 1));
  const from = await cluster.nodeOf(slot);
  const to = cluster.nodes.find((node) => node !== from) ?? from;
  const made = new Map<string, { podIndex: number; token: string }>();
  let isDone = false;
  const load = Array.from({ length: 8 }, async (_, worker) => {
    for (let turn = 0; !isDone; turn += 1) {
      const uid = `user-${worker}-${turn}`;
      const op = {
        kind: "setIfAbsent",
        ...service,
        uid,
        owner: { podIndex: turn % 5 },
        lifetime: { ttlMs: 600_000 },
      } as const;
      const result = await executor.execute(op, { timeoutMs: 20_000 });
      expect(result).toMatchObject({ created: true }); // a second time it would not be created
      made.set(uid, result.link);
    }
  });
  const until = (count: number): Promise<void> =>
    vi.waitFor(() => expect(made.size).toBeGreaterThan(count), { timeout: 20_000 });
  await until(50);
  await cluster.moveSlot(slot, to);
  await until(made.size + 50);
  isDone = true;
  await Promise.all(load);

  expect(await cluster.nodeOf(slot)).toBe(to);
  const uids = Array.from(made.keys());
  const answers = await executor.executeAll(
    uids.map((uid) => ({ kind: "get", ...service, uid }) as const),
    {
      timeoutMs: 20_000,
    },
  );
  for (const [index, uid] of uids.entries()) {
    const { podIndex, token } = made.get(uid) ?? {};
    expect(answers[index], uid).toMatchObject({ value: { podIndex, token } });
  }
});
