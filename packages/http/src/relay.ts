import { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** How soon the system looks whether the other end of a silent connection is still there. */
const KEEP_ALIVE_MS = 30_000;

/** How long a relay may be silent when one side has ended: the other is as a rule about to. */
const HALF_CLOSED_IDLE_MS = 30_000;

/** One end of a relay: its connection, and what had already been read from it. */
export interface RelayEnd {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/**
 * Passes bytes both ways until both sides have ended: each side's end is passed on and the other may go on speaking. A
 * side that can't take more is waited for. A connection that breaks takes the other with it.
 * @param idleMs closes both when they are silent for so long; 0: only when one side has ended.
 */
export function relay(a: RelayEnd, b: RelayEnd, idleMs: number): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    prepare(from.socket, idleMs, () => {
      from.socket.destroy();
      to.socket.destroy();
    });
    from.socket.once("end", () => {
      if (to.socket instanceof Socket && idleMs === 0) to.socket.setTimeout(HALF_CLOSED_IDLE_MS);
    });
    if (from.head.byteLength > 0) to.socket.write(from.head);
    from.socket.on("error", () => from.socket.destroy());
    from.socket.once("close", () => closeAfterFlush(to.socket));
    from.socket.pipe(to.socket);
  }
}

function prepare(socket: Duplex, idleMs: number, onIdle: () => void): void {
  if (!(socket instanceof Socket)) return;
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.setTimeout(idleMs);
  socket.on("timeout", onIdle);
}

/** What was already passed on still goes out; nobody is left to hear what would come back. */
function closeAfterFlush(socket: Duplex): void {
  if (socket.destroyed) return;
  if (socket.writableFinished) socket.destroy();
  else socket.end(() => socket.destroy());
}
