import { once } from "node:events";
import type { RequestListener, Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { continueWhenRead, createLimitedServer, sendError } from "@podlink/http";
import type { Clock } from "@podlink/types";
import { RouteError, sleep } from "@podlink/types";

/** How long connections may take to end by themselves once everything is answered, in ms. */
const CLOSE_GRACE_MS = 500;

/** A listening server whose handler comes later: the port has to be known before the pod can join. */
export interface Listener {
  readonly server: Server;
  readonly port: number;
  readonly url: string;
  /** From now on requests are answered by `handler`; before, with 503. */
  handle(handler: RequestListener): void;
  /** Takes no more connections, waits a moment for those there are, and cuts the rest. */
  close(clock: Clock): Promise<void>;
  /** Cuts everything at once. */
  cut(): void;
}

/** Listens. Rejects when the port is taken. */
export async function listen({ host, port }: { readonly host: string; readonly port: number }): Promise<Listener> {
  const server = createLimitedServer();
  continueWhenRead(server);
  let handler: RequestListener = (_req, res) =>
    sendError(res, new RouteError("POD_UNAVAILABLE", "the pod is starting"));
  server.on("request", (req, res) => handler(req, res));
  // Upgraded connections leave the server's own list.
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(port, host);
  await once(server, "listening");
  const actual = (server.address() as AddressInfo).port;
  const cut = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return {
    server,
    port: actual,
    url: `http://${host.includes(":") ? `[${host}]` : host}:${actual}`,
    handle: (given) => (handler = given),
    cut,
    async close(clock) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const done = new AbortController();
      await Promise.race([closed, sleep(CLOSE_GRACE_MS, { clock, signal: done.signal })]);
      done.abort();
      cut();
      await closed;
    },
  };
}
