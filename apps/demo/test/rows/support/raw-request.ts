import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { text } from "node:stream/consumers";

/** An answer as it came over the line. */
export interface RawAnswer {
  readonly status: number;
  /** The whole of it, head and body. */
  readonly text: string;
}

/** A request whose bytes the test writes itself; the connection ends with its answer. */
export class RawRequest {
  readonly #socket: Socket;
  readonly #answer: Promise<string>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#answer = text(socket);
    this.#answer.catch(() => {}); // told by answer()
  }

  static async open(url: string): Promise<RawRequest> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, "connect");
    return new RawRequest(socket);
  }

  write(bytes: string): void {
    this.#socket.write(bytes);
  }

  /** The caller goes away. */
  abort(): void {
    this.#socket.destroy();
  }

  /** Resolves when the other end has closed. Rejects when it reset the connection. */
  async answer(): Promise<RawAnswer> {
    const answer = await this.#answer;
    return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]), text: answer };
  }
}
