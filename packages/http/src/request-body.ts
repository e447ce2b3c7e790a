import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { RouteError } from "@podlink/types";

/** How much of a body is kept for the one repeat. */
export const KEPT_BYTES = 65_536;

/** The length that a request says of its body. Absent: it will come in chunks, of a length nobody knows. */
export function bodyLength(req: IncomingMessage): number | undefined {
  if (req.headers["transfer-encoding"] !== undefined) return undefined;
  const length = req.headers["content-length"];
  return length === undefined ? 0 : Number(length);
}

/**
 * A request's body that can be sent twice as long as no more than {@link KEPT_BYTES} of it went out. What lies beyond
 * waits behind a gate until a pod has accepted the request: so nothing is lost when the first pod refuses.
 */
export class RequestBody {
  readonly #req: IncomingMessage;
  readonly #maxBytes: number;
  readonly #onTooLarge: (error: RouteError) => void;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #receivedBytes = 0;
  /** What arrived and must not go out before a pod accepts. */
  #held: Buffer | undefined;
  #isAccepted = false;
  /** Whether more went out than is kept. */
  #isBeyond = false;
  #isReading = false;
  #isEnded = false;
  #sender: Readable | undefined;

  /** @param maxBytes beyond it, `onTooLarge` is called and nothing more is read; 0: no bound. */
  constructor(req: IncomingMessage, maxBytes: number, onTooLarge: (error: RouteError) => void) {
    this.#req = req;
    this.#maxBytes = maxBytes;
    this.#onTooLarge = onTooLarge;
  }

  /** Whether everything that went out is still here. */
  get isRepeatable(): boolean {
    return !this.#isBeyond;
  }

  /** The body from its beginning, for the next attempt; the stream of an earlier one ends its work. */
  open(): Readable {
    this.#sender?.destroy();
    const sender = new Readable({ read: () => this.#resume(), highWaterMark: KEPT_BYTES });
    sender.on("error", ignore); // whoever sends it tells us by itself
    this.#sender = sender;
    for (const chunk of this.#kept) sender.push(chunk);
    if (this.#isEnded && this.#held === undefined) sender.push(null);
    return sender;
  }

  /** A pod takes the request: what lies beyond the kept part may go out. Once it does, the body can't be repeated. */
  accept(): void {
    if (this.#isAccepted) return;
    this.#isAccepted = true;
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    this.#goBeyond();
    this.#sender?.push(held);
    if (this.#isEnded) this.#sender?.push(null);
    else this.#req.resume();
  }

  /** Nobody wants the rest: it is read and dropped, so that the connection can carry the next request. */
  discard(): void {
    this.#sender?.destroy();
    this.#sender = undefined;
    this.#kept = [];
    this.#held = undefined;
    if (!this.#isReading) return;
    this.#req.off("data", this.#take).off("end", this.#end);
    this.#isReading = false;
    this.#req.resume();
  }

  #resume(): void {
    if (this.#isEnded || this.#held !== undefined) return;
    if (this.#isReading) {
      this.#req.resume();
      return;
    }
    this.#isReading = true;
    this.#req.on("data", this.#take).on("end", this.#end);
  }

  readonly #take = (chunk: Buffer): void => {
    this.#receivedBytes += chunk.byteLength;
    if (this.#maxBytes > 0 && this.#receivedBytes > this.#maxBytes) {
      this.#req.pause();
      this.#onTooLarge(bodyTooLarge(this.#maxBytes));
      return;
    }
    const sendable = this.#isBeyond ? chunk : this.#keep(chunk);
    const wantsMore = sendable.byteLength === 0 || this.#sender?.push(sendable) === true;
    if (!wantsMore || this.#held !== undefined) this.#req.pause();
  };

  /** Keeps what still fits; the rest is held back until a pod accepts. Returns the part that may go out. */
  #keep(chunk: Buffer): Buffer {
    const room = KEPT_BYTES - this.#keptBytes;
    const fits = chunk.byteLength <= room ? chunk : chunk.subarray(0, room);
    if (fits !== chunk && this.#isAccepted) {
      this.#goBeyond();
      return chunk;
    }
    if (fits.byteLength > 0) this.#kept.push(fits);
    this.#keptBytes += fits.byteLength;
    if (fits !== chunk) this.#held = chunk.subarray(room);
    return fits;
  }

  #goBeyond(): void {
    this.#isBeyond = true;
    this.#kept = [];
  }

  readonly #end = (): void => {
    this.#isEnded = true;
    if (this.#held === undefined) this.#sender?.push(null);
  };
}

const ignore = (): void => undefined;

/** The error of a body that is longer than allowed; it goes with status 413. */
export function bodyTooLarge(maxBytes: number): RouteError {
  return new RouteError("INVALID_ARGUMENT", `the body must be at most ${maxBytes} bytes`, { outcome: "not-applied" });
}
