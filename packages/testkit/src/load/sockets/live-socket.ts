import type { RawData } from "ws";
import { WebSocket } from "ws";
import { messageOf } from "../message-of.ts";
import { advisedWaitMs } from "../outcome.ts";
import { TRY_LATER } from "./close-codes.ts";
import type { SocketSettings } from "./options.ts";
import { SequenceCheck } from "./sequence-check.ts";

/** Hears what happens to a socket. */
export interface SocketEars {
  /** Absent: for the first time. */
  readonly opened: (closedForMs: number | undefined) => void;
  readonly closed: (code: number) => void;
  /** A handshake came to nothing: the status of the answer, or the code of the error. */
  readonly refused: (reason: string) => void;
  readonly silent: () => void;
  readonly message: (text: string, socket: LiveSocket) => void;
  /** It does not come back. */
  readonly gone: () => void;
}

/** One user's WebSocket: held open over any number of connections, each with the last change that was seen. */
export class LiveSocket {
  readonly uid: string;
  readonly check: SequenceCheck = new SequenceCheck();
  readonly #settings: SocketSettings;
  readonly #random: () => number;
  readonly #ears: SocketEars;
  /** Each connection goes to the next URL. */
  #turn: number;
  #socket: WebSocket | undefined;
  #comeBack: NodeJS.Timeout | undefined;
  /** Handshakes since it was open last. */
  #failures = 0;
  #closedAtMs: number | undefined;
  #answersPings = true;
  #isEnded = false;

  constructor(
    { uid, index }: { readonly uid: string; readonly index: number },
    settings: SocketSettings,
    random: () => number,
    ears: SocketEars,
  ) {
    this.uid = uid;
    this.#turn = index;
    this.#settings = settings;
    this.#random = random;
    this.#ears = ears;
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Resolves when the handshake has ended, well or not. */
  async connect(): Promise<void> {
    const socket = this.#make();
    if (socket === undefined) return;
    this.#socket = socket;
    this.#answersPings = true;
    let refusal: { readonly reason: string; readonly waitMs?: number | undefined } | undefined;
    let wasOpen = false;
    socket.on("unexpected-response", (_, { statusCode: status = 0, headers }) => {
      const waitMs = advisedWaitMs({ kind: "answer", status, headers, text: "" }, Date.now());
      refusal = { reason: String(status), waitMs };
      socket.terminate(); // a close follows
    });
    socket.on("error", (error: NodeJS.ErrnoException) => (refusal ??= { reason: error.code ?? error.message }));
    socket.on("pong", () => (this.#answersPings = true));
    socket.on("message", (data: RawData) => this.#ears.message(textOf(data), this));
    const settled = new Promise<void>((resolve) => {
      socket.once("open", () => {
        wasOpen = true;
        this.#opened();
        resolve();
      });
      socket.once("close", (code) => {
        if (!this.#isEnded) {
          if (wasOpen) this.#closed(code);
          else this.#refused(refusal ?? { reason: "closed" });
        }
        resolve();
      });
    });
    await settled;
  }

  /** Cuts a socket that did not answer the last ping; else sends the next. */
  ping(): void {
    if (!this.isOpen) return;
    if (!this.#answersPings) {
      this.#ears.silent();
      this.#socket?.terminate();
      return;
    }
    this.#answersPings = false;
    this.#socket?.ping();
  }

  /** Resolves when its connection is closed. */
  async end(): Promise<void> {
    this.#isEnded = true;
    clearTimeout(this.#comeBack);
    const socket = this.#socket;
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((resolve) => void socket.once("close", resolve));
    socket.terminate();
    await closed;
  }

  /** Absent: there is no such URL, and the same would happen again. */
  #make(): WebSocket | undefined {
    const { url, path, handshakeMs: handshakeTimeout } = this.#settings;
    const base = url[this.#turn++ % url.length]!.replace(/^http/, "ws").replace(/\/$/, "");
    try {
      return new WebSocket(`${base}${path(this.uid, this.check.last)}`, { handshakeTimeout, perMessageDeflate: false });
    } catch (error) {
      this.#ears.refused(messageOf(error));
      this.#ears.gone();
      return undefined;
    }
  }

  #opened(): void {
    this.#failures = 0;
    const closedForMs = this.#closedAtMs === undefined ? undefined : performance.now() - this.#closedAtMs;
    this.#closedAtMs = undefined;
    this.#ears.opened(closedForMs);
  }

  #closed(code: number): void {
    this.#closedAtMs = performance.now();
    this.#ears.closed(code);
    if (!this.#settings.comeBack(code)) return this.#ears.gone();
    this.#comeBackAfter(code === TRY_LATER ? this.#settings.maxBackoffMs : 0);
  }

  #refused({ reason, waitMs = 0 }: { readonly reason: string; readonly waitMs?: number | undefined }): void {
    this.#failures += 1;
    this.#ears.refused(reason);
    this.#comeBackAfter(waitMs);
  }

  /** Exponential with full jitter, as requests are repeated. */
  #comeBackAfter(leastMs: number): void {
    const { minBackoffMs, maxBackoffMs } = this.#settings;
    const backoffMs = this.#random() * Math.min(maxBackoffMs, minBackoffMs * 2 ** this.#failures);
    this.#comeBack = setTimeout(() => void this.connect(), Math.max(leastMs, backoffMs));
  }
}

/** ws hands a message over as one Buffer. */
function textOf(data: RawData): string {
  return Buffer.isBuffer(data) ? data.toString("utf8") : "";
}
