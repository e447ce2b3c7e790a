import { describe, expect, test } from "vitest";
import { fakeClock, recordingObserver } from "@podlink/testkit";
import { PodPools } from "../src/pod-pools.ts";
import { proxyLimits } from "../src/options.ts";
import { parseOptions } from "@podlink/types";
import { linkTo, TableRoute } from "./support/table-route.ts";
import { eventually, world } from "./support/world.ts";

describe("a proxy that closes", () => {
  test("lets requests end, then takes nothing more", async () => {
    let answer = (): void => undefined;
    const there = await world({ handler: () => (_req, res) => void (answer = () => res.end("done")) });
    const running = fetch(there.url("/u/alice/x"));
    await eventually(() => there.pods[0]?.pod.running).toBe(1);
    const closed = there.proxy.close({ deadlineMs: 5000 });
    const late = await fetch(there.url("/u/bob/x"));
    expect([late.status, await late.text()]).toEqual([503, expect.stringContaining('"CLOSED"')]);
    answer();
    expect(await (await running).text()).toBe("done");
    await closed;
    expect(there.proxy.close()).toBe(there.proxy.close());
    await there.close();
  });

  test("cuts what doesn't end by the deadline: 503 before the head, a cut connection after it", async () => {
    const there = await world({
      handler: () => (req, res) => {
        if (req.url?.endsWith("half") === true) res.write("half");
      },
    });
    const [none, half] = [fetch(there.url("/u/alice/none")), fetch(there.url("/u/alice/half"))];
    await eventually(() => there.pods[0]?.pod.running).toBe(2);
    const headed = await half;
    await there.proxy.close({ deadlineMs: 20 });
    expect((await none).status).toBe(503);
    await expect(headed.text()).rejects.toThrow();
    expect(there.proxy.read()).toMatchObject({ running: 0, pods: 0 });
    await there.close();
  });
});

describe("the connections to pods", () => {
  const limits = parseOptions(proxyLimits, {}, "proxy");
  const pod = (podIndex: number, incarnation: number, httpPort = 9, host = "127.0.0.1") => ({
    link: linkTo("alice", podIndex),
    podIndex,
    incarnation,
    address: { host, httpPort },
  });

  test("belong to one life of a pod: a later one gets its own, an earlier one doesn't get the old back", async () => {
    const pools = new PodPools(new TableRoute(), limits, fakeClock());
    const first = pools.of(pod(0, 1));
    expect(pools.of(pod(0, 1))).toBe(first);
    const second = pools.of(pod(0, 2, 10));
    expect(second).not.toBe(first);
    expect(first.pool.closed).toBe(true);
    expect(pools.of(pod(0, 1))).toBe(second);
    expect(pools.of(pod(0, 2, 11)).endpoint.port).toBe(11);
    expect(pools.size).toBe(1);
    await pools.close();
    expect(() => pools.of(pod(0, 3))).toThrow("closed");
  });

  test.each(["Pod-3.Rooms.example", "0x7F000001", "0:0:0:0:0:0:0:1"])(
    "are kept however its row writes the address: %s",
    async (host) => {
      const pools = new PodPools(new TableRoute(), limits, fakeClock());
      const first = pools.of(pod(0, 1, 9, host));
      expect(pools.of(pod(0, 1, 9, host))).toBe(first);
      await pools.close();
    },
  );

  test("are closed when the pod goes", async () => {
    const route = new TableRoute();
    const clock = fakeClock();
    const pools = new PodPools(route, limits, clock);
    route.addresses.set(0, { host: "127.0.0.1", httpPort: 9 });
    const [kept, gone] = [pools.of(pod(0, 1)), pools.of(pod(1, 1))];
    await clock.advance(10_000);
    expect([kept.pool.closed, gone.pool.closed, pools.size]).toEqual([false, true, 1]);
    route.incarnations.set(0, 2);
    await clock.advance(10_000);
    expect([kept.pool.closed, pools.size]).toEqual([true, 0]);
    await pools.close();
    expect(clock.pendingTimers).toBe(0);
  });
});

test("an observer sees each request end once, with its error", async () => {
  const observer = recordingObserver();
  const there = await world({ proxy: { observer } });
  await (await fetch(there.url("/u/alice/x"))).text();
  there.route.addresses.set(0, { host: "127.0.0.1" });
  await (await fetch(there.url("/u/alice/x"))).text();
  expect(observer.scopes).toMatchObject([
    { operation: { name: "proxy", namespace: "test", service: "room" }, ends: 1 },
    { operation: { name: "proxy" }, ends: 1, error: { code: "POD_UNAVAILABLE" } },
  ]);
  await there.close();
});
