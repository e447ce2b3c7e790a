import { randomBytes } from "node:crypto";

/** Service Restart (the IANA registry of close codes): come back, as soon as you like. */
export const SERVICE_RESTART = 1012;

const REASON = "the pod restarts or has moved: connect again";
const FIN_CLOSE = 0x88;
const MASKED = 0x80;

/** What a client is sent at the end. */
export function restartFrame(): Buffer {
  const payload = payloadOf(SERVICE_RESTART, REASON);
  return Buffer.concat([Buffer.from([FIN_CLOSE, payload.byteLength]), payload]);
}

/** What a pod that closes is answered, as its client would: the same code, masked (RFC 6455 section 5.3). */
export function closeReply(code: number): Buffer {
  const payload = payloadOf(code, "");
  const mask = randomBytes(4);
  for (let index = 0; index < payload.byteLength; index += 1) payload[index]! ^= mask[index % 4]!;
  return Buffer.concat([Buffer.from([FIN_CLOSE, MASKED | payload.byteLength]), mask, payload]);
}

/**
 * The code of a server's close frame; `none` when it says none, or is no frame that a server may send.
 * Undefined: it isn't all there yet. @param bytes from its beginning.
 */
export function closeCodeOf(bytes: Buffer): number | "none" | undefined {
  const [, length] = bytes;
  if (length === undefined) return undefined;
  if (length > 125) return "none";
  if (bytes.byteLength < 2 + length) return undefined;
  return length >= 2 ? bytes.readUInt16BE(2) : "none";
}

function payloadOf(code: number, reason: string): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return payload;
}
