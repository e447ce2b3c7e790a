import { WebSocket } from "ws";

interface Message {
  readonly kind: "hello" | "gap" | "incr" | "say";
  readonly sequence: number;
}

/** A client of the `live` socket that comes back with the last sequence number it saw. */
export class Listener {
  /** Of every change that was pushed, in the order they came. */
  readonly sequences: number[] = [];
  /** How often it was connected. */
  connections = 0;
  /** Resolves at the first connection. */
  readonly opened: Promise<void>;
  readonly #url: string;
  #socket: WebSocket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(url: string) {
    this.#url = url;
    this.opened = new Promise((resolve) => this.#connect(resolve));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#socket?.terminate();
  }

  #connect(onOpen: () => void): void {
    const last = this.sequences.at(-1) ?? 0;
    const socket = new WebSocket(`${this.#url}?last=${last}`);
    this.#socket = socket;
    socket.on("open", () => {
      this.connections += 1;
      onOpen();
    });
    socket.on("message", (data) => this.#take(JSON.parse((data as Buffer).toString()) as Message));
    socket.on("error", () => undefined); // a close follows
    socket.on("close", () => {
      if (!this.#closed) this.#retry = setTimeout(() => this.#connect(onOpen), 20);
    });
  }

  #take({ kind, sequence }: Message): void {
    if (kind === "gap") throw new Error("changes were lost");
    if (kind === "incr" || kind === "say") this.sequences.push(sequence);
  }
}
