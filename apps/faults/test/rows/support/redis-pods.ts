import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ConnectOptions, JoinOptions, Pod, Podlink } from "podlink";
import { connect, joinAsPod } from "podlink";
import { silentLogger } from "@podlink/types";
import { NAMESPACE, SERVICE } from "./redis-store.ts";

/** The short times of tests. */
export const TIMES = {
  heartbeatIntervalMs: 100,
  leaseMs: 1000,
  leaseMarginMs: 100,
  propagationMs: 1,
  handOffTimeoutMs: 500,
  verifyIntervalMs: 1000,
  cpuFactor: 0,
  takeOver: "now",
  stop: { deadlineMs: 1000 },
} as const satisfies JoinOptions["server"];

export interface HttpPod extends AsyncDisposable {
  readonly pod: Pod;
}

/** A pod that says over HTTP who it is, to those whose users it holds; Ready. */
export async function startPod(podIndex: number, options: JoinOptions): Promise<HttpPod> {
  const server = createServer((req, res) => guard(req, res, () => res.end(String(podIndex))));
  const { port } = await listening(server);
  const pod = await joinAsPod({
    namespace: NAMESPACE,
    service: SERVICE,
    podIndex,
    logger: silentLogger,
    http: { host: "127.0.0.1", port },
    ...options,
    server: { ...TIMES, ...options.server },
  });
  const guard = pod.guard();
  pod.ready();
  return {
    pod,
    async [Symbol.asyncDispose]() {
      await pod.stop();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** A caller of these pods. */
export const startCaller = (options: ConnectOptions): Promise<Podlink> =>
  connect({ namespace: NAMESPACE, logger: silentLogger, ...options });

async function listening(server: Server): Promise<AddressInfo> {
  await new Promise<void>((heard) => server.listen(0, "127.0.0.1", heard));
  return server.address() as AddressInfo;
}
