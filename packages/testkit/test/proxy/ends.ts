import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { onTestFinished } from "vitest";
import type { FaultProxy, FaultProxyOptions } from "../../src/index.ts";
import { startFaultProxy } from "../../src/index.ts";

/** One end of a connection, and what it has seen. */
export class End {
  readonly socket: Socket;
  /** As it came, read by read. */
  readonly reads: Buffer[] = [];
  /** How its peer ended. Absent: it has not. */
  ending: "fin" | "rst" | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => void this.reads.push(chunk));
    socket.on("end", () => void (this.ending ??= "fin"));
    socket.on("error", () => void (this.ending = "rst"));
  }

  get bytes(): Buffer {
    return Buffer.concat(this.reads);
  }

  get text(): string {
    return this.bytes.toString("latin1");
  }

  send(text: string | Buffer): void {
    this.socket.write(text);
  }

  async received(text: string): Promise<void> {
    await until(`${JSON.stringify(text)} arrives`, () => this.text.length >= text.length);
    if (this.text !== text) throw new Error(`${JSON.stringify(this.text)} arrived, not ${JSON.stringify(text)}`);
  }

  ended(ending: "fin" | "rst"): Promise<void> {
    return until(`ended by ${ending}`, () => this.ending === ending);
  }
}

/** A server that does nothing but listen, unless told what to do with a connection. */
export class Listener {
  readonly ends: End[] = [];
  readonly #server = createServer({ allowHalfOpen: true });

  static async start(onConnection: (end: End) => void = () => undefined): Promise<Listener> {
    const listener = new Listener();
    listener.#server.on("connection", (socket) => {
      const end = new End(socket);
      listener.ends.push(end);
      onConnection(end);
    });
    listener.#server.listen(0, "127.0.0.1");
    await once(listener.#server, "listening");
    onTestFinished(() => listener.close());
    return listener;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The connections that reached it, in order. */
  async end(index: number): Promise<End> {
    await until(`connection ${index} reaches the server`, () => this.ends.length > index);
    return this.ends[index] as End;
  }

  async close(): Promise<void> {
    for (const { socket } of this.ends) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export const echo = (end: End): void => void end.socket.on("data", (chunk: Buffer) => end.send(chunk));

/** A proxy before a server, both ended with the test. */
export async function startLine(
  options: Omit<FaultProxyOptions, "target"> & { readonly onConnection?: (end: End) => void } = {},
): Promise<{ proxy: FaultProxy; listener: Listener; connect: () => Promise<End> }> {
  const { onConnection, ...rest } = options;
  const listener = await Listener.start(onConnection);
  const proxy = await startFaultProxy({ ...rest, target: { host: "127.0.0.1", port: listener.port } });
  onTestFinished(() => proxy.end());
  return { proxy, listener, connect: () => connectTo(proxy.port) };
}

/** A connection that is being made. */
export function startConnecting(port: number): End {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  return new End(socket);
}

export async function connectTo(port: number): Promise<End> {
  const end = startConnecting(port);
  await once(end.socket, "connect");
  return end;
}

/** A line with one connection through it, seen from both ends. */
export async function startPair(
  options: Parameters<typeof startLine>[0] = {},
): Promise<{ proxy: FaultProxy; listener: Listener; client: End; server: End }> {
  const line = await startLine(options);
  const client = await line.connect();
  const server = await line.listener.end(0);
  return { ...line, client, server };
}

/** After this, what was under way between sockets of this process has arrived: other bytes went to and fro meanwhile. */
export async function quiet(): Promise<void> {
  const listener = await Listener.start(echo);
  const end = await connectTo(listener.port);
  for (let text = "."; text.length <= 20; text += ".") {
    end.send(".");
    await end.received(text);
  }
  end.socket.destroy();
  await listener.close();
}

export async function until(what: string, holds: () => boolean): Promise<void> {
  const endsAt = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > endsAt) throw new Error(`not within 10 s: ${what}`);
    await wait(1);
  }
}
