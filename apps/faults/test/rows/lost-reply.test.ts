import { faultRow } from "@podlink/faults";
import { RedisExecutor } from "@podlink/redis-executor";
import { startFaultProxy } from "@podlink/testkit";
import { startRedis } from "@podlink/testkit/redis";
import { expect } from "vitest";

const key = { namespace: "prod", service: "room", uid: "ann" };

faultRow(5, "a claim whose reply is lost has one effect, and its caller learns it from the repeat", async (row) => {
  await using redis = await startRedis();
  await using line = await startFaultProxy({ target: redis });
  await using store = new RedisExecutor({ url: line.url("redis") });
  await store.init(["prod"], { timeoutMs: 10_000 });
  const proxy = row.proxy(line);
  proxy.add({ fault: "loseReply", times: 1 });
  const claim = {
    kind: "setIfAbsent",
    ...key,
    owner: { podIndex: 1, incarnation: 7 },
    lifetime: "persistent",
  } as const;
  const result = await row.request(() => store.execute(claim));
  expect(result).toMatchObject({ created: true, repeated: true, link: { podIndex: 1 } });
  expect(await store.execute({ kind: "get", ...key })).toEqual((result as { link: unknown }).link);
  row.saw("answered from the record by the repeat, the same token");
});
