import { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** How soon the system looks whether the other end of a silent connection is still there. */
const KEEP_ALIVE_MS = 30_000;

/** Makes a connection ready to carry bytes in both directions for long. @param idleMs silence after which `onIdle` is called; 0: never. */
export function prepare(socket: Duplex, idleMs: number, onIdle: () => void): void {
  if (!(socket instanceof Socket)) return;
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.setTimeout(idleMs);
  socket.on("timeout", onIdle);
}

/** Silence after which a connection counts as idle, from now on. */
export function limitIdle(socket: Duplex, idleMs: number): void {
  if (socket instanceof Socket) socket.setTimeout(idleMs);
}

/** What was already passed on still goes out; nobody is left to hear what would come back. */
export function closeAfterFlush(socket: Duplex): void {
  if (socket.destroyed) return;
  if (socket.writableFinished) socket.destroy();
  else socket.end(() => socket.destroy());
}
