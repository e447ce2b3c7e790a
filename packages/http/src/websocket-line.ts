import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock, Timer } from "@podlink/types";
import { closeAfterFlush, limitIdle, prepare } from "./bare-socket.ts";
import { closeCodeOf, closeReply, restartFrame, SERVICE_RESTART } from "./close-frame.ts";
import { FrameTracker } from "./frame-tracker.ts";

/** How long a connection may be silent when one side has ended: the other is as a rule about to. */
const HALF_CLOSED_IDLE_MS = 30_000;
/** How long a client may take to answer a close frame, and a pod to end after the answer to its own. */
const CLOSE_WAIT_MS = 5000;
/** How much of what a client says is kept while there is no pod to hear it; then it has to wait. */
const KEPT_BYTES = 65_536;

export interface LineParts {
  readonly client: Duplex;
  /** What had already been read from the client. */
  readonly head: Buffer;
  /** Closes both sides when they are silent for so long; 0: only when one side has ended. */
  readonly idleMs: number;
  readonly clock: Clock;
  /** The pod's side is over and the client's isn't: `join` another pod if it can move, else `restart`. */
  readonly podLost: () => void;
}

/**
 * A client's WebSocket and the pod's side that it is joined to. Bytes pass as they are, both ways, with back-pressure and
 * each side's end; where frames begin and end is followed, so that the client can be joined to another pod, or be told in
 * order why it can't. Bytes that are no frames pass too: then one side's end is the other's.
 */
export class WebSocketLine {
  readonly #parts: LineParts;
  readonly #client: Duplex;
  readonly #up = new FrameTracker("client");
  #down = new FrameTracker("server");
  #pod: Socket | undefined;
  /** From the client, for the next pod. */
  #kept: Buffer[] = [];
  #keptBytes = 0;
  /** What of the pod's close frame has arrived, while it is not passed on. */
  #podClose: Buffer | undefined;
  #hasPassedClose = false;
  #hasClientEnded = false;
  #isRestarting = false;
  #timer: Timer | undefined;

  constructor(parts: LineParts) {
    const { client, head, idleMs } = parts;
    this.#parts = parts;
    this.#client = client;
    prepare(client, idleMs, () => this.destroy());
    client.on("data", (chunk: Buffer) => this.#hearClient(chunk));
    client.on("drain", () => this.#pod?.resume());
    client.once("end", () => this.#clientEnded());
    client.once("close", () => this.#clientClosed());
    if (head.byteLength > 0) this.#hearClient(head);
  }

  /**
   * Whether no message has begun, in either direction: then all that binds the client to its pod is the handshake, and
   * nothing is lost when the same handshake is made with another one.
   */
  get canMove(): boolean {
    const isUntouched = this.#up.dataFrames === 0 && this.#down.dataFrames === 0;
    const isLeaving = this.#up.hasClosed || this.#hasPassedClose || this.#hasClientEnded || this.#isRestarting;
    return isUntouched && this.#up.isWhole && this.#down.isWhole && !isLeaving && !this.#client.destroyed;
  }

  /** Joins the client to a pod that has switched protocols. @param head what had already been read from it. */
  join(pod: Socket, head: Buffer): void {
    this.#pod = pod;
    this.#down = new FrameTracker("server");
    const isMine = (): boolean => this.#pod === pod;
    prepare(pod, this.#parts.idleMs, () => void (isMine() && this.destroy()));
    pod.on("error", () => pod.destroy());
    pod.on("drain", () => void (isMine() && this.#client.resume()));
    pod.on("data", (chunk: Buffer) => void (isMine() && this.#hearPod(chunk)));
    pod.once("end", () => void (isMine() && this.#podEnded()));
    pod.once("close", () => void (isMine() && this.#podClosed()));
    this.#client.resume();
    for (const chunk of this.#kept) this.#tellPod(pod, chunk);
    this.#kept = [];
    this.#keptBytes = 0;
    if (this.#hasClientEnded) pod.end();
    if (head.byteLength > 0) this.#hearPod(head);
  }

  /** Nothing more will come from the pod. */
  lose(): void {
    this.#leavePod()?.destroy();
    this.#parts.podLost();
  }

  /**
   * Tells the client to come back, waits a moment for its answer, and ends. A client that has part of a frame, or is
   * leaving itself, is cut. Returns whether it was told.
   */
  restart(): boolean {
    if (this.#isRestarting) return true;
    this.#leavePod()?.destroy();
    if (!this.#down.isWhole || this.#hasPassedClose || !this.#client.writable) {
      this.#client.destroy();
      return false;
    }
    this.#isRestarting = true;
    this.#kept = [];
    this.#timer = this.#parts.clock.setTimer(CLOSE_WAIT_MS, () => this.#client.destroy());
    this.#client.write(restartFrame());
    this.#client.resume();
    if (this.#hasClientEnded || this.#up.hasClosed) closeAfterFlush(this.#client);
    return true;
  }

  /** Cuts both sides. */
  destroy(): void {
    this.#leavePod()?.destroy();
    this.#client.destroy();
  }

  // ---- From the client. ----

  #hearClient(chunk: Buffer): void {
    if (this.#isRestarting) {
      this.#up.read(chunk); // only its answer is still of interest
      if (this.#up.hasClosed) closeAfterFlush(this.#client);
    } else if (this.#pod !== undefined) this.#tellPod(this.#pod, chunk);
    else {
      this.#kept.push(chunk);
      this.#keptBytes += chunk.byteLength;
      if (this.#keptBytes >= KEPT_BYTES) this.#client.pause();
    }
  }

  #tellPod(pod: Socket, chunk: Buffer): void {
    this.#up.read(chunk);
    if (!pod.write(chunk)) this.#client.pause();
  }

  #clientEnded(): void {
    this.#hasClientEnded = true;
    if (this.#isRestarting) closeAfterFlush(this.#client);
    else if (this.#pod === undefined) this.#client.destroy();
    else {
      if (this.#parts.idleMs === 0) limitIdle(this.#pod, HALF_CLOSED_IDLE_MS);
      this.#pod.end();
    }
  }

  #clientClosed(): void {
    this.#timer?.cancel();
    const pod = this.#leavePod();
    if (pod !== undefined) closeAfterFlush(pod);
  }

  // ---- From the pod. ----

  #hearPod(chunk: Buffer): void {
    if (this.#hasPassedClose) {
      this.#tellClient(chunk);
      return;
    }
    let rest = chunk;
    if (this.#podClose === undefined) {
      const before = this.#down.read(chunk);
      if (before > 0) this.#tellClient(chunk.subarray(0, before));
      if (!this.#down.hasClosed) return;
      this.#podClose = Buffer.alloc(0);
      rest = chunk.subarray(before);
    }
    this.#podClose = Buffer.concat([this.#podClose, rest]);
    this.#hearPodClose(this.#podClose);
  }

  #hearPodClose(bytes: Buffer): void {
    const code = closeCodeOf(bytes);
    if (code === undefined) return;
    this.#podClose = undefined;
    if (code === SERVICE_RESTART && this.canMove) {
      this.#answerClose(code);
      this.#parts.podLost();
    } else {
      this.#hasPassedClose = true;
      this.#tellClient(bytes);
    }
  }

  /** As its client would, so that the pod ends the connection in order. */
  #answerClose(code: number): void {
    const pod = this.#leavePod();
    if (pod === undefined) return;
    pod.end(closeReply(code));
    pod.setTimeout(CLOSE_WAIT_MS, () => pod.destroy());
    pod.once("end", () => closeAfterFlush(pod)).resume();
  }

  #tellClient(chunk: Buffer): void {
    if (!this.#client.write(chunk)) this.#pod?.pause();
  }

  /** Whether the pod's end is the client's too: it was announced, or nothing is known of the frames. */
  get #endsWithPod(): boolean {
    const isRaw = !this.#up.isReadable || !this.#down.isReadable;
    return isRaw || this.#hasPassedClose || this.#up.hasClosed || this.#hasClientEnded;
  }

  #podEnded(): void {
    if (!this.#endsWithPod) {
      this.lose();
      return;
    }
    if (this.#parts.idleMs === 0) limitIdle(this.#client, HALF_CLOSED_IDLE_MS);
    this.#client.end();
  }

  #podClosed(): void {
    if (!this.#endsWithPod) {
      this.lose();
      return;
    }
    this.#pod = undefined;
    closeAfterFlush(this.#client);
  }

  #leavePod(): Socket | undefined {
    const pod = this.#pod;
    this.#pod = undefined;
    this.#podClose = undefined;
    return pod;
  }
}
