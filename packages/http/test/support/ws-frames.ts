import * as ws from "ws";

interface FrameOptions {
  readonly opcode: number;
  readonly fin: boolean;
  readonly mask: boolean;
  readonly rsv1: boolean;
  /** Whether the data may be masked where it is; else a copy is. */
  readonly readOnly: boolean;
}

/** The library's own maker of frames, which its types leave out. */
const { Sender } = ws as unknown as { readonly Sender: { frame(data: Buffer, options: FrameOptions): Buffer[] } };

const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  readonly kind: keyof typeof OPCODES;
  readonly bytes: number;
  /** Only of data: whether the message ends with it. Default true. */
  readonly fin?: boolean;
  readonly isCompressed?: boolean;
}

/** A frame as `ws` makes it, with a payload of zeros; a close frame says 1012. */
export function frameOf(frame: Frame, sender: "client" | "server"): Buffer {
  const { kind, bytes, fin = true, isCompressed = false } = frame;
  const payload = Buffer.alloc(bytes);
  if (kind === "close") payload.writeUInt16BE(1012);
  const options = { opcode: OPCODES[kind], fin, mask: sender === "client", rsv1: isCompressed, readOnly: true };
  return Buffer.concat(Sender.frame(payload, options));
}
