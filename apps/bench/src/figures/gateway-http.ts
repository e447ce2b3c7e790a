import { pinToNodeCore, pinToRedisCore } from "../support/cores.ts";
import type { Child } from "../support/child.ts";
import { startChild } from "../support/child.ts";
import { Ends } from "../measure/ends.ts";
import type { Figure, Preparation, Sides } from "../measure/figure.ts";
import { median } from "../measure/median.ts";

const CONNECTIONS = 64;
const REQUESTS = 10_000;
/** Of a gateway's life, before it is measured. */
const WARM_UPS = 8;
/** How often each of the two is measured in its life, in turn. */
const ROUNDS = 5;

/**
 * A gateway's whole way of a request, kept-alive. The gateways have a core; pod and users share the other. Each pair has gateways of
 * its own: what V8 makes of them, two that are the same differ by up to 15 %, all their lives.
 */
export const gatewayHttp: Figure = {
  id: "gateway-http",
  title: `a request through a gateway, ${CONNECTIONS} connections, linked users`,
  baseline: "bare node:http and undici, without routing",
  unit: "ns",
  goal: { ratioAtLeast: 0.95 },
  seen: { baseline: 1e9 / 24_000, scaledBy: "core" },
  warmUps: 0,
  async prepare(preparation) {
    const outside = await startChild("pod-and-load", preparation);
    const podPort = await outside.ask<number>({ listen: true });
    if (preparation.pin) pinToRedisCore(outside.pid);
    return sides({ outside, podPort }, preparation);
  },
};

interface Outside {
  /** The pod and its users. */
  readonly outside: Child;
  readonly podPort: number;
}

interface Gateway {
  readonly child: Child;
  /** Sends it a round of requests; nanoseconds for each. */
  readonly load: () => Promise<number>;
}

function sides({ outside, podPort }: Outside, { tiny, pin, defer }: Preparation): Sides {
  const requests = tiny ? 200 : REQUESTS;
  const start = async (name: string, ends: Ends): Promise<Gateway> => {
    const child = await startChild(name, { defer: (end) => ends.add(end) });
    const port = await child.ask<number>({ podPort });
    if (pin) pinToNodeCore(child.pid);
    return { child, load: () => outside.ask<number>({ load: { port, connections: CONNECTIONS, requests } }) };
  };
  const withBoth = async <T>(work: (ours: Gateway, bare: Gateway) => Promise<T>): Promise<T> => {
    const ends = new Ends();
    defer(() => ends.end());
    try {
      const [ours, bare] = [await start("podlink-gateway", ends), await start("bare-gateway", ends)];
      for (let round = 0; round < WARM_UPS; round += 1) for (const { load } of [ours, bare]) await load();
      return await work(ours, bare);
    } finally {
      await ends.end();
    }
  };
  let baseline = Number.NaN;
  const run = async (): Promise<number> => {
    const costs = await withBoth(inTurn);
    baseline = median(costs.bare);
    return median(costs.ours);
  };
  return {
    ours: {
      run,
      profiled: (rounds) => withBoth(({ child, load }) => child.profiled(rounds, async () => void (await load()))),
    },
    baseline: { run: () => baseline }, // measured together with ours
  };
}

async function inTurn(ours: Gateway, bare: Gateway): Promise<{ readonly ours: number[]; readonly bare: number[] }> {
  const costs = { ours: [] as number[], bare: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    costs.ours.push(await ours.load());
    costs.bare.push(await bare.load());
  }
  return costs;
}
