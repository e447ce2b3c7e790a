import type { AddressInfo, Socket } from "node:net";
import { createConnection, createServer } from "node:net";
import { answerParent } from "../support/child.ts";

type Question = { readonly listen: true } | { readonly load: Load };

interface Load {
  readonly port: number;
  readonly connections: number;
  readonly requests: number;
}

const BODY = JSON.stringify({ count: 1 });
const ANSWER = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;
const END_OF_HEAD = "\r\n\r\n";
const USERS = 1000;

// The pod and its users, both on bare sockets: as little as possible beside the gateway that is measured.
answerParent((question: Question) => ("listen" in question ? listen() : run(question.load)));

async function listen(): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    let rest = "";
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      const heads = (rest + chunk.toString("latin1")).split(END_OF_HEAD);
      rest = heads.pop() ?? "";
      if (heads.length > 0) socket.write(ANSWER.repeat(heads.length), "latin1");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** Nanoseconds for each request. */
async function run({ port, connections, requests }: Load): Promise<number> {
  let sent = 0;
  const start = performance.now();
  const sockets = Array.from({ length: connections }, () =>
    createConnection({ port, host: "127.0.0.1", noDelay: true }),
  );
  try {
    await Promise.all(
      sockets.map((socket) => ask(socket, () => (sent < requests ? `/user-${sent++ % USERS}/state` : undefined))),
    );
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  return ((performance.now() - start) * 1e6) / requests;
}

/** Asks for one path after the other until there are no more. */
function ask(socket: Socket, nextPath: () => string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    let rest = "";
    const next = (): void => {
      const path = nextPath();
      if (path === undefined) resolve();
      else socket.write(`GET ${path} HTTP/1.1\r\nhost: bench\r\naccept: application/json\r\n\r\n`, "latin1");
    };
    socket.on("connect", next);
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the gateway closed a connection")));
    socket.on("data", (chunk) => {
      rest += chunk.toString("latin1");
      if (!rest.endsWith(BODY)) return;
      if (!rest.startsWith("HTTP/1.1 200")) reject(new Error(`the gateway answered ${rest.slice(0, 100)}`));
      rest = "";
      next();
    });
  });
}
