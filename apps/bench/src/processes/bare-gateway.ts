import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "undici";
import { answerParent } from "../support/child.ts";

// The same without routing, by hand: every request goes to the one pod there is.
answerParent(async ({ podPort }: { readonly podPort: number }) => {
  const pool = new Pool(`http://127.0.0.1:${podPort}`, { connections: 64, pipelining: 1 });
  const server = createServer((req, res) => forward(pool, req, res));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
});

function forward(pool: Pool, req: IncomingMessage, res: ServerResponse): void {
  const { connection: _ofThisHop, ...headers } = req.headers;
  const bodyless = req.method === "GET" || req.method === "HEAD";
  pool.dispatch(
    { path: req.url ?? "/", method: req.method as "GET", headers, body: bodyless ? null : req },
    {
      onRequestStart(controller) {
        res.on("close", () => {
          if (!res.writableEnded) controller.abort(new Error("the caller left"));
        });
      },
      onResponseStart(_controller, status, answered) {
        const { connection: _ofThatHop, "keep-alive": _too, ...rest } = answered;
        res.writeHead(status, rest);
      },
      onResponseData(controller, chunk) {
        if (res.write(chunk)) return;
        controller.pause();
        res.once("drain", () => controller.resume());
      },
      onResponseEnd() {
        res.end();
      },
      onResponseError() {
        if (res.headersSent) res.destroy();
        else res.writeHead(502).end();
      },
    },
  );
}
