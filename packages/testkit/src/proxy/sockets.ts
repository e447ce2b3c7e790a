import { Socket } from "node:net";

/** A socket that belongs to the proxy: small writes leave at once, and a FIN of the peer ends only one direction. */
export const newSocket = (): Socket => new Socket({ allowHalfOpen: true }).setNoDelay(true);

/** Ends it by a RST, where it can be: not while it connects, not in the middle of a FIN, and a unix socket has none. */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  const isTcp = socket.remoteFamily !== undefined;
  const isEnding = socket.writableEnded && !socket.writableFinished;
  if (isTcp && !socket.connecting && !isEnding) socket.resetAndDestroy();
  else socket.destroy();
}
