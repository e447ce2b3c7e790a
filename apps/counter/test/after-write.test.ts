import { expect, it, vi } from "vitest";
import { countAt, Deployment } from "./deployment.ts";

// #region after-write
it("a pod dies between a write and its acknowledgement: the repeat with the same key counts once", async () => {
  await using deployment = new Deployment("after-write");
  const { counters } = await deployment.startServers();
  const pod = await deployment.pod(0, { PODLINK_FAILPOINTS: "counter:after-write=exit" });
  const { url = "" } = await deployment.gateway();
  const increment = (): Promise<Response> =>
    fetch(`${url}/u/ann/incr`, { method: "POST", headers: { "idempotency-key": "k1" } });

  const answers: number[] = [];
  await vi.waitFor(async () => {
    answers.push((await increment()).status); // until the gateway has seen the pod
    expect(pod.state).toBe("ended");
  }, 60_000);
  expect(answers).not.toContain(200); // nobody was told
  expect(pod.log()).toContain("podlink failpoint counter:after-write: exit");
  expect(JSON.parse(String(await counters.cli("HGET", "counter:ann", "counter")))).toEqual({ count: 1, keys: ["k1"] });

  await pod.restart({ env: { PODLINK_FAILPOINTS: "" } });
  await vi.waitFor(async () => expect((await increment()).status).toBe(200), 60_000);
  expect(await countAt(url, "ann")).toBe(1);
}, 120_000);
// #endregion
