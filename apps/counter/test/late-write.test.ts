import { expect, it, vi } from "vitest";
import { Deployment } from "./deployment.ts";

const incrementAt = (url: string | undefined, key: string, withinMs = 60_000): Promise<Response> =>
  fetch(`${url}/u/ann/incr`, {
    method: "POST",
    headers: { "idempotency-key": key },
    signal: AbortSignal.timeout(withinMs),
  });

// #region late-write
it("a pod stands still before a write that it may do, and wakes up when another has the user: the write is refused", async () => {
  await using deployment = new Deployment("late-write");
  const { counters } = await deployment.startServers();
  const late = await deployment.pod(0, { PODLINK_FAILPOINTS: "counter:before-write=1*pause(500)" });
  const answer = incrementAt(late.url, "k1");
  await late.says(/counter:before-write: pause/);
  late.pause();

  await deployment.pod(1);
  const { url } = await deployment.gateway();
  for (const key of ["k1", "k2"]) {
    await vi.waitFor(async () => expect((await incrementAt(url, key, 2000)).status).toBe(200), 60_000);
  }
  late.resume();
  expect((await answer).status).toBe(503);
  const kept: unknown = JSON.parse(String(await counters.cli("HGET", "counter:ann", "counter")));
  expect(kept).toEqual({ count: 2, keys: ["k1", "k2"] });
}, 120_000);
// #endregion
