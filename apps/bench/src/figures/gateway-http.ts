import { pinToNodeCore, pinToRedisCore } from "../support/cores.ts";
import { startChild } from "../support/child.ts";
import type { Figure } from "../measure/figure.ts";

const CONNECTIONS = 64;
const REQUESTS = 20_000;

/** A gateway's whole way of a request, kept-alive. The gateways have a core; pod and users share the other. */
export const gatewayHttp: Figure = {
  id: "gateway-http",
  title: `a request through a gateway, ${CONNECTIONS} connections, linked users`,
  baseline: "bare node:http and undici, without routing",
  unit: "ns",
  goal: { ratioAtLeast: 0.95 },
  seen: { baseline: 1e9 / 24_000, scaledBy: "core" },
  async prepare(preparation) {
    const outside = await startChild("pod-and-load", preparation);
    const podPort = await outside.ask<number>({ listen: true });
    if (preparation.pin) pinToRedisCore(outside.pid);
    const side = async (name: "podlink-gateway" | "bare-gateway") => {
      const gateway = await startChild(name, preparation);
      const port = await gateway.ask<number>({ podPort });
      if (preparation.pin) pinToNodeCore(gateway.pid);
      const requests = preparation.tiny ? 200 : REQUESTS;
      const run = () => outside.ask<number>({ load: { port, connections: CONNECTIONS, requests } });
      return { run, profiled: gateway.profiled };
    };
    const [ours, baseline] = await Promise.all([side("podlink-gateway"), side("bare-gateway")]);
    return { ours, baseline };
  },
};
