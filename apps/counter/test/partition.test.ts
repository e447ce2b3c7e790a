import { startFaultProxy, watchInvariants } from "podlink/testing";
import { expect, it, vi } from "vitest";
import { Deployment } from "./deployment.ts";

const PATIENCE = { timeout: 60_000, interval: 100 };

interface Answer {
  readonly pod: number;
  readonly incarnation: number;
  readonly token: string;
  readonly count: number;
}

it("a pod loses podlink's Redis, but not its users nor its database: it stops before another takes over, and comes back", async () => {
  await using deployment = new Deployment("partition");
  const { links } = await deployment.startServers();
  await using proxy = await startFaultProxy({ target: links });
  const cutOff = await deployment.pod(0, { REDIS_URL: proxy.url("redis") });
  const { url: gateway = "" } = await deployment.gateway();
  const watch = watchInvariants();

  let sent = 0;
  let acknowledged = 0;
  /** A pod that answers says under which token, and the watcher compares. Reads, too: no fence protects them, only the lease. */
  const ask = async (
    method: "GET" | "POST",
    url = "",
  ): Promise<{ readonly status: number; readonly answer?: Answer }> => {
    if (method === "POST") sent += 1;
    const startedMs = performance.now();
    const response = await fetch(`${url}/u/ann`, { method, headers: { "idempotency-key": `k${sent}` } });
    const text = await response.text();
    if (!response.ok) return { status: response.status };
    if (method === "POST") acknowledged += 1;
    const answer = JSON.parse(text) as Answer;
    const { pod: podIndex, incarnation, token } = answer;
    const link = { namespace: "example", service: "counter", uid: "ann" };
    watch.holders.served({ ...link, podIndex, incarnation, token, startedMs, endedMs: performance.now() });
    return { status: response.status, answer };
  };
  await vi.waitFor(async () => expect((await ask("POST", gateway)).answer?.pod).toBe(0), PATIENCE); // there is no other yet
  await deployment.pod(1);

  // #region partition
  const partition = proxy.add({ fault: "blackhole" });
  const direct: number[] = [];
  await vi.waitFor(async () => {
    direct.push((await ask("GET", cutOff.url)).status); // as from somebody who hasn't heard
    expect((await ask("POST", gateway)).answer?.pod).toBe(1);
  }, PATIENCE);
  expect(direct[0]).toBe(200); // within its lease it serves, without a store
  expect((await ask("GET", cutOff.url)).status).toBe(503); // after it, it does not

  partition.end();
  await vi.waitFor(async () => expect((await ask("GET", cutOff.url)).status).toBe(421), PATIENCE); // it knows who has her now
  const last = (await ask("POST", gateway)).answer;
  expect(last?.pod).toBe(1);
  expect(last?.count).toBeGreaterThanOrEqual(acknowledged);
  expect(last?.count).toBeLessThanOrEqual(sent);
  watch.check({ atLeast: { holders: 5 } });
  await watch.close();
  // #endregion
}, 120_000);
