const FIN = 0x80;
/** Reserved bits that no extension in use defines; the first one marks compressed messages. */
const RESERVED = 0x30;
const OPCODE = 0x0f;
const MASKED = 0x80;
const LENGTH = 0x7f;
const CLOSE = 0x88;
const LONGEST_CONTROL = 125;
/** Two bytes, eight of length, four of mask. */
const LONGEST_HEADER = 14;

/**
 * Where the frames of one direction of a WebSocket begin and end (RFC 6455 section 5.2). Looks at headers only, whatever
 * the pieces they arrive in, and keeps no byte of a payload.
 */
export class FrameTracker {
  readonly #isMasked: boolean;
  readonly #header = Buffer.alloc(LONGEST_HEADER);
  #headerBytes = 0;
  #payloadLeft = 0;
  #dataFrames = 0;
  #hasClosed = false;
  #isReadable = true;

  /** @param sender frames of clients are masked, those of servers are not. */
  constructor(sender: "client" | "server") {
    this.#isMasked = sender === "client";
  }

  /** Frames of messages that have begun, also continuations. */
  get dataFrames(): number {
    return this.#dataFrames;
  }

  /** Whether a close frame has begun: nothing counts after it. */
  get hasClosed(): boolean {
    return this.#hasClosed;
  }

  /** False: these are no frames. Nothing can be said of them any more. */
  get isReadable(): boolean {
    return this.#isReadable;
  }

  /** Whether everything up to here is whole frames. */
  get isWhole(): boolean {
    return this.#isReadable && this.#headerBytes === 0 && this.#payloadLeft === 0;
  }

  /** Takes what was sent next. Returns how much of it lies before the close frame; all of it while there is none. */
  read(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.byteLength && this.#isReadable) {
      if (this.#hasClosed) return at;
      if (this.#payloadLeft > 0) {
        const step = Math.min(this.#payloadLeft, chunk.byteLength - at);
        this.#payloadLeft -= step;
        at += step;
      } else if (this.#headerBytes === 0 && chunk[at] === CLOSE) {
        this.#hasClosed = true;
      } else {
        this.#takeHeader(chunk[at] as number);
        at += 1;
      }
    }
    return chunk.byteLength;
  }

  #takeHeader(byte: number): void {
    this.#header[this.#headerBytes] = byte;
    this.#headerBytes += 1;
    if (this.#headerBytes === 1) this.#begin(byte);
    else if (this.#headerBytes === 2 && !this.#isLengthRight(byte)) this.#isReadable = false;
    else if (this.#headerBytes === this.#headerLength()) {
      this.#payloadLeft = this.#payloadLength();
      this.#headerBytes = 0;
    }
  }

  #begin(byte: number): void {
    const opcode = byte & OPCODE;
    const isData = opcode <= 2;
    const isPing = opcode === 9 || opcode === 10;
    if ((byte & RESERVED) !== 0 || !(isData || (isPing && (byte & FIN) !== 0))) this.#isReadable = false;
    else if (isData) this.#dataFrames += 1;
  }

  #isLengthRight(byte: number): boolean {
    const isControl = ((this.#header[0] as number) & OPCODE) >= 8;
    return ((byte & MASKED) !== 0) === this.#isMasked && !(isControl && (byte & LENGTH) > LONGEST_CONTROL);
  }

  #headerLength(): number {
    const length = (this.#header[1] as number) & LENGTH;
    const extended = length === 127 ? 8 : length === 126 ? 2 : 0;
    return 2 + extended + (this.#isMasked ? 4 : 0);
  }

  #payloadLength(): number {
    const length = (this.#header[1] as number) & LENGTH;
    if (length === 126) return this.#header.readUInt16BE(2);
    if (length < 126) return length;
    const bytes = this.#header.readBigUInt64BE(2);
    if (bytes > Number.MAX_SAFE_INTEGER) this.#isReadable = false;
    return Number(bytes);
  }
}
