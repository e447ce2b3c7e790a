import { faultRow } from "@podlink/faults";
import { Lateness, startFaultProxy } from "@podlink/testkit";
import { startRedis } from "@podlink/testkit/redis";
import { expect } from "vitest";
import { times } from "../support/times.ts";
import { uidsOf } from "../support/users.ts";
import { SmallGateway } from "./support/small-gateway.ts";
import { SmallPod } from "./support/small-pod.ts";

const responseTimeoutMs = 300;
/** The gateway's HTTP client looks at its time-outs only so often, in ms. */
const TICK_MS = 1000;

interface Who {
  readonly pod: number;
  readonly token: string;
}

/** Asks through a gateway, which the pod's side of the network can be told by. Undefined: not served, and how. */
async function ask(gateway: SmallGateway, side: string, uid: string): Promise<Who | number> {
  const response = await fetch(gateway.path(uid), { headers: { "x-side": side } });
  const text = await response.text();
  return response.ok ? (JSON.parse(text) as Who) : response.status;
}

faultRow(
  46,
  "a gateway that can't reach a pod which reports leaves its users where they are, and tries each request once",
  async (row) => {
    await using redis = await startRedis();
    await using far = await SmallPod.start({ redis: redis.url, podIndex: 0 });
    const lines: Awaited<ReturnType<typeof startFaultProxy>>[] = [];
    await using near = await SmallPod.start({
      redis: redis.url,
      podIndex: 1,
      registered: async (port) => {
        const line = await startFaultProxy({ target: { host: "127.0.0.1", port } });
        lines.push(line);
        return { host: line.host, port: line.port };
      },
    });
    await using line = lines[0]!;
    await using cut = await SmallGateway.start(redis.url, { proxy: { responseTimeoutMs } });
    await using whole = await SmallGateway.start(redis.url, { proxy: { responseTimeoutMs } });
    const uids = uidsOf(20);
    const before = new Map<string, Who>();
    for (const uid of uids) {
      before.set(uid, (await ask(cut, "cut", uid)) as Who);
      expect(await ask(whole, "whole", uid), uid).toEqual(before.get(uid));
    }
    const theirs = uids.filter((uid) => before.get(uid)?.pod === 1);
    const others = uids.filter((uid) => before.get(uid)?.pod === 0);
    expect(Math.min(theirs.length, others.length)).toBeGreaterThan(0);

    // From here on nothing of one gateway reaches the pod, for three leases; both hear of it from Redis.
    const claims = near.pod.read()["claims"];
    const connections = line.counts.connections.accepted;
    const counted = cut.read();
    using lateness = new Lateness();
    const dark = row
      .proxy(line)
      .add({ fault: "blackhole", afterEnd: "dead", bytes: (chunk) => chunk.includes("x-side: cut") });
    const endsAtMs = performance.now() + 3 * times.leaseMs;
    let failed = 0;
    let longestMs = 0;
    while (performance.now() < endsAtMs) {
      await Promise.all(
        theirs.map(async (uid) => {
          const askedAtMs = performance.now();
          const answer = await row.request(() => ask(cut, "cut", uid));
          longestMs = Math.max(longestMs, performance.now() - askedAtMs);
          expect(answer, "nobody else serves it").toBe(504);
          failed += 1;
          expect(await row.request(() => ask(whole, "whole", uid)), uid).toEqual(before.get(uid));
        }),
      );
      for (const uid of others) expect(await ask(cut, "cut", uid), uid).toEqual(before.get(uid));
    }
    expect(longestMs).toBeLessThanOrEqual(responseTimeoutMs + TICK_MS + lateness.totalMs);
    const { replacements, placements, repeats } = cut.read();
    expect({ replacements, placements, repeats }).toEqual({
      replacements: counted["replacements"],
      placements: counted["placements"],
      repeats: counted["repeats"],
    });
    expect(dark.fired).toBeLessThanOrEqual(failed);
    expect(near.pod.read()["claims"]).toBe(claims);
    expect(line.counts.connections.accepted - connections).toBeLessThanOrEqual(failed + theirs.length);

    dark.end();
    for (const uid of uids) {
      expect(await ask(cut, "cut", uid), uid).toEqual(before.get(uid));
      expect(await ask(whole, "whole", uid), uid).toEqual(before.get(uid));
    }
    expect(far.pod.driver.state.phase).toBe("running");
    row.saw(
      `${failed} requests in 3 leases, each tried once and answered within ${Math.ceil(longestMs)} ms; no link moved`,
    );
  },
);

faultRow(46, "a gateway whose connections to a pod are refused answers at once, and moves nobody", async (row) => {
  await using redis = await startRedis();
  const lines: Awaited<ReturnType<typeof startFaultProxy>>[] = [];
  await using only = await SmallPod.start({
    redis: redis.url,
    podIndex: 1,
    registered: async (port) => {
      const line = await startFaultProxy({ target: { host: "127.0.0.1", port } });
      lines.push(line);
      return { host: line.host, port: line.port };
    },
  });
  await using line = lines[0]!;
  await using gateway = await SmallGateway.start(redis.url);
  const before = (await ask(gateway, "cut", "ann")) as Who;
  expect(before).toMatchObject({ pod: 1 });
  await using other = await SmallPod.start({ redis: redis.url, podIndex: 0 });
  expect(other.pod.driver.state.phase).toBe("running");

  const proxy = row.proxy(line);
  const refuse = proxy.add({ fault: "refuse" });
  proxy.reset();
  const endsAtMs = performance.now() + 2 * times.leaseMs;
  let failed = 0;
  while (performance.now() < endsAtMs) {
    expect(await row.request(() => ask(gateway, "cut", "ann"))).toBeGreaterThanOrEqual(502);
    failed += 1;
  }
  expect(refuse.fired).toBeLessThanOrEqual(failed);
  expect(gateway.read()).toMatchObject({ replacements: 0, repeats: 0 });
  refuse.end();
  expect(await ask(gateway, "cut", "ann")).toEqual(before);
  expect(only.pod.driver.state.phase).toBe("running");
  row.saw(`${failed} requests refused at once in 2 leases, one connection each at most; no link moved`);
});
