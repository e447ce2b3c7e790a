/**
 * A pod as it is written by hand where a gateway hashes: a user's state is loaded once, kept in memory, and written through. It
 * shares its storage with its siblings, and trusts that nobody else has the user.
 */
import { createServer } from "node:http";
import { defer } from "@podlink/types";
import { Redis } from "ioredis";
import type { WebSocket } from "ws";
import { WebSocketServer } from "ws";

interface Session {
  count: number;
  /** Idempotency keys that were used, and what was answered. */
  readonly keys: Map<string, number>;
  readonly sockets: Set<WebSocket>;
}

/** As many as the sample service of podlink keeps. */
const KEPT = 100;
const GOING_AWAY = 1001;

const { REDIS_URL = "", POD_INDEX = "0" } = process.env;
const pod = Number(POD_INDEX);
const redis = new Redis(REDIS_URL);
const sessions = new Map<string, Promise<Session>>();

async function load(uid: string): Promise<Session> {
  const stored = JSON.parse((await redis.get(`hash:${uid}`)) ?? `{"count":0,"keys":[]}`) as {
    readonly count: number;
    readonly keys: [string, number][];
  };
  return { count: stored.count, keys: new Map(stored.keys), sockets: new Set() };
}

function sessionOf(uid: string): Promise<Session> {
  const session = sessions.get(uid) ?? load(uid);
  sessions.set(uid, session);
  return session;
}

async function increment(uid: string, key: string | undefined): Promise<number> {
  const session = await sessionOf(uid);
  const known = key === undefined ? undefined : session.keys.get(key);
  if (known !== undefined) return known;
  session.count += 1;
  const { count } = session;
  if (key !== undefined) session.keys.set(key, count);
  const keys = [...session.keys].slice(-KEPT);
  await redis.set(`hash:${uid}`, JSON.stringify({ count, keys }));
  for (const socket of session.sockets) socket.send(JSON.stringify({ kind: "incr", sequence: count }));
  return count;
}

const routeOf = (url: string | undefined): { uid: string; name: string; last: number } | undefined => {
  const { pathname, searchParams } = new URL(url ?? "/", "http://pod");
  const [, uid, name] = /^\/u\/([^/]+)\/(incr|state|live)$/.exec(pathname) ?? [];
  if (uid === undefined || name === undefined) return undefined;
  return { uid: decodeURIComponent(uid), name, last: Number(searchParams.get("last")) };
};

const server = createServer((req, res) => {
  const route = routeOf(req.url);
  const key = req.headers["idempotency-key"];
  const answer = async (): Promise<void> => {
    if (route === undefined) return void res.writeHead(404).end();
    const { uid, name } = route;
    const count = name === "incr" ? await increment(uid, key?.toString()) : (await sessionOf(uid)).count;
    res.setHeader("content-type", "application/json");
    res.end(JSON.stringify({ uid, count, sequence: count, pod }));
  };
  answer().catch(() => res.writeHead(500).end());
});

const live = new WebSocketServer({ noServer: true });
server.on("upgrade", (req, socket, head) => {
  socket.on("error", () => socket.destroy());
  const route = routeOf(req.url);
  if (route === undefined) return void socket.destroy();
  live.handleUpgrade(req, socket, head, (opened) => void join(opened, route.uid, route.last));
});

async function join(socket: WebSocket, uid: string, last: number): Promise<void> {
  socket.on("error", () => socket.terminate());
  const { sockets, count } = await sessionOf(uid);
  // The changes are numbered without a gap: what was missed is told from the numbers alone.
  for (let sequence = last + 1; sequence <= count; sequence += 1) {
    socket.send(JSON.stringify({ kind: "incr", sequence }));
  }
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
}

/** What is under way ends, sockets are told that the pod goes away, idle connections are closed. */
process.on("SIGTERM", () => {
  server.close(() => redis.disconnect());
  server.closeIdleConnections();
  for (const socket of live.clients) socket.close(GOING_AWAY);
});

const listening = defer<void>();
server.listen(0, "127.0.0.1", listening.resolve);
await listening.promise;
const address = server.address();
const port = typeof address === "object" && address !== null ? address.port : 0;
process.send?.({ url: `http://127.0.0.1:${port}` });
