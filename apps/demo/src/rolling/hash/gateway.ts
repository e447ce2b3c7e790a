/**
 * A gateway as it is written by hand: users are hashed over the endpoints that it knows. It is told of endpoints as by a watch
 * of Kubernetes: `PUT /endpoints` with `{ "<pod>": "<url>" }`.
 */
import type { IncomingMessage } from "node:http";
import { Agent, createServer, request } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { defer } from "@podlink/types";
import { rendezvous } from "./rendezvous.ts";

let endpoints: Readonly<Record<string, string>> = {};
const agent = new Agent({ keepAlive: true });

/** Where `/s/room/u/<uid>/...` goes. Undefined: there is no such path, or no pod. */
function targetOf({ url = "" }: IncomingMessage): { readonly pod: URL; readonly path: string } | undefined {
  const [, path = "", uid = ""] = /^\/s\/room(\/u\/([^/?]+)\/.*)$/.exec(url) ?? [];
  const pod = endpoints[rendezvous(decodeURIComponent(uid), Object.keys(endpoints)) ?? ""];
  return path === "" || pod === undefined ? undefined : { pod: new URL(pod), path };
}

const server = createServer((req, res) => {
  if (req.url === "/endpoints") {
    void text(req).then((body) => {
      endpoints = JSON.parse(body) as typeof endpoints;
      res.end();
    });
    return;
  }
  const target = targetOf(req);
  if (target === undefined) return void res.writeHead(503, { "retry-after": "1" }).end();
  const { method, headers } = req;
  const { hostname, port } = target.pod;
  const forwarded = request({ agent, hostname, port, path: target.path, method, headers }, (answer) => {
    res.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(res);
  });
  forwarded.on("error", () => (res.headersSent ? res.destroy() : res.writeHead(502).end()));
  req.pipe(forwarded);
});

server.on("upgrade", (req: IncomingMessage, socket: Duplex, head: Buffer) => {
  socket.on("error", () => socket.destroy());
  const target = targetOf(req);
  if (target === undefined) return void socket.end("HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n");
  const pod = connect(Number(target.pod.port), target.pod.hostname, () => {
    const lines = [`GET ${target.path} HTTP/1.1`];
    for (let at = 0; at < req.rawHeaders.length; at += 2)
      lines.push(`${req.rawHeaders[at]}: ${req.rawHeaders[at + 1]}`);
    pod.write(`${lines.join("\r\n")}\r\n\r\n`);
    pod.write(head);
    socket.pipe(pod).pipe(socket);
  });
  pod.on("error", () => socket.destroy());
  pod.on("close", () => socket.end());
  socket.on("close", () => pod.destroy());
});

process.on("SIGTERM", () => process.exit(0));

const listening = defer<void>();
server.listen(0, "127.0.0.1", listening.resolve);
await listening.promise;
const address = server.address();
const port = typeof address === "object" && address !== null ? address.port : 0;
process.send?.({ url: `http://127.0.0.1:${port}` });
