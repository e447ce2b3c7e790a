import { pinToNodeCore, pinToRedisCore } from "../support/cores.ts";
import type { Child } from "../support/child.ts";
import { startChild } from "../support/child.ts";
import { Ends } from "../measure/ends.ts";
import type { Figure } from "../measure/figure.ts";

const CONNECTIONS = 64;
const REQUESTS = 20_000;
/** Of a gateway's life, before it is measured. */
const WARM_UPS = 4;

/**
 * A gateway's whole way of a request, kept-alive. The gateways have a core; pod and users share the other. Each round has a gateway
 * of its own: what V8 makes of one, two that are the same differ by up to 15 %, all their lives.
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
    const requests = preparation.tiny ? 200 : REQUESTS;
    const load = (port: number) => outside.ask<number>({ load: { port, connections: CONNECTIONS, requests } });
    const withGateway = async <T>(name: string, work: (port: number, gateway: Child) => Promise<T>): Promise<T> => {
      const ends = new Ends();
      preparation.defer(() => ends.end());
      try {
        const gateway = await startChild(name, { defer: (end) => ends.add(end) });
        const port = await gateway.ask<number>({ podPort });
        if (preparation.pin) pinToNodeCore(gateway.pid);
        for (let round = 0; round < WARM_UPS; round += 1) await load(port);
        return await work(port, gateway);
      } finally {
        await ends.end();
      }
    };
    return {
      ours: {
        run: () => withGateway("podlink-gateway", load),
        profiled: (rounds) =>
          withGateway("podlink-gateway", (port, gateway) =>
            gateway.profiled(rounds, async () => void (await load(port))),
          ),
      },
      baseline: { run: () => withGateway("bare-gateway", load) },
    };
  },
};
