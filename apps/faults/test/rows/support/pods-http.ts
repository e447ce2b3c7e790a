import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createProxy } from "@podlink/http";
import type { JoinOptions, Pod, Podlink } from "podlink";
import type { Place, PlacedPod } from "./pods-place.ts";
import { SERVICE } from "./pods-place.ts";

/** A pod that serves HTTP behind its guard and says which life of it answered. */
export interface HttpPod extends PlacedPod {
  readonly server: Server;
  readonly port: number;
  /** Requests that got past the guard. */
  readonly served: () => number;
  connections(): Promise<number>;
}

/** @param life its name in answers. @param port default: a free one. */
export async function httpPod(
  place: Place,
  { life, podIndex, port = 0, ...options }: JoinOptions & { life: string; podIndex: number; port?: number },
): Promise<HttpPod> {
  const joined: { pod?: Pod } = {};
  let served = 0;
  const server = createServer((req, res) => {
    const { pod } = joined;
    if (pod === undefined) return res.writeHead(503).end();
    const guard = pod.guard();
    guard(req, res, () => {
      served += 1;
      res.end(life);
    });
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const bound = (server.address() as AddressInfo).port;
  const placed = await place.pod(podIndex, { ...options, http: { port: bound, host: "127.0.0.1" } });
  joined.pod = placed.pod;
  place.closing(server);
  return {
    ...placed,
    server,
    port: bound,
    served: () => served,
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
      ),
  };
}

/** A gateway before the service: the uid is the path. */
export async function startGateway(place: Place, caller: Podlink): Promise<(uid: string) => Promise<Response>> {
  const proxy = createProxy(caller.service(SERVICE), { uid: (req) => req.url?.slice(1) });
  const server = createServer((req, res) => proxy.handle(req, res));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  place.closing(server, () => proxy.close());
  const { port } = server.address() as AddressInfo;
  return (uid) => fetch(`http://127.0.0.1:${port}/${uid}`);
}
