import type { IncomingMessage, Server, ServerResponse } from "node:http";

const prepared = new WeakSet<object>();
const waiting = new WeakMap<IncomingMessage, () => void>();

/**
 * A sender with a large body asks first (`Expect: 100-continue`). Node says `100 Continue` before anybody has looked at the
 * request; with this, the server says it when the guard lets the request in, or when something begins to read the body.
 * A guard arranges it by itself at its first request; call it when the server is made to have it from the very first one.
 * Servers with a listener of their own for `checkContinue` are left alone.
 */
export function continueWhenRead(server: Server): void {
  if (prepared.has(server) || server.listenerCount("checkContinue") > 0) return;
  prepared.add(server);
  server.on("checkContinue", (req: IncomingMessage, res: ServerResponse) => {
    waitForReader(req, res);
    server.emit("request", req, res);
  });
}

/** Prepares the server that a request came through. */
export function prepareServerOf(req: IncomingMessage): void {
  const { server } = req.socket as { readonly server?: Server };
  if (server !== undefined) continueWhenRead(server);
}

/** The request is let in: its sender may send the body. */
export function sayContinue(req: IncomingMessage): void {
  waiting.get(req)?.();
}

function waitForReader(req: IncomingMessage, res: ServerResponse): void {
  const sayOnce = (): void => {
    waiting.delete(req);
    req.off("newListener", onListener).off("resume", sayOnce);
    if (!res.headersSent && !res.destroyed) res.writeContinue();
  };
  const onListener = (event: string | symbol): void => {
    if (event === "data" || event === "readable") sayOnce();
  };
  waiting.set(req, sayOnce);
  req.on("newListener", onListener).on("resume", sayOnce);
}
