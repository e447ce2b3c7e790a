import type { Socket } from "node:net";
import { createConnection } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { connect as connectTls } from "node:tls";
import type { Redis, RedisOptions } from "ioredis";
import { AbstractConnector, SentinelConnector } from "ioredis";

/** From this many characters on a command leaves at once: a batch, which Redis shall work on while the next is made. */
const BATCH = 1024;
/** As many that wait leave too. */
const PACKET = 2048;

const HURRY = Symbol("what is written next leaves at once");

/** What is written to this stream next does not wait for what else may be written in this turn. Where nothing waits: no effect. */
export function hurry(stream: object): void {
  (stream as { readonly [HURRY]?: () => void })[HURRY]?.();
}

/**
 * Sends what is written in one turn as one packet. A packet for each command is most of what a small command costs, on
 * both sides. Only `write` and `end` of the stream are wrapped.
 */
export function cork<S extends Socket>(stream: S): S {
  const write: (data: string | Buffer) => boolean = stream.write.bind(stream);
  const end = stream.end.bind(stream) as (...args: unknown[]) => S;
  let waiting = "";
  let isHurried = false;
  const flush = (): void => {
    const data = waiting;
    waiting = "";
    if (data !== "" && stream.writable) write(data);
  };
  const corked = (data: string | Buffer): boolean => {
    if (typeof data !== "string") {
      flush();
      return write(data);
    }
    if (waiting === "" && !isHurried) process.nextTick(flush);
    waiting += data;
    if (isHurried || data.length >= BATCH || waiting.length >= PACKET) flush();
    isHurried = false;
    return true;
  };
  const ended = (...args: unknown[]): S => {
    flush();
    return end(...args);
  };
  return Object.assign(stream, { write: corked, end: ended, [HURRY]: () => void (isHurried = true) });
}

/** INFO as ioredis has read it, before the connection counts as ready: nothing was sent over it yet. */
export type HearInfo = (info: Readonly<Record<string, string>>, server: string) => void;

type ConnectorClass = NonNullable<RedisOptions["Connector"]>;
type Stream = Awaited<ReturnType<AbstractConnector["connect"]>>;

/** What ioredis' option `Connector` takes, for a server whose address is known: one node, a node of a Cluster. */
export function directConnector(hearInfo: HearInfo): ConnectorClass {
  return class extends AbstractConnector {
    readonly #options: RedisOptions;

    constructor(options: unknown) {
      super((options as RedisOptions).disconnectTimeout ?? 0);
      this.#options = options as RedisOptions;
    }

    async connect(): Promise<Stream> {
      this.connecting = true;
      const { path, host, port, family, tls } = this.#options;
      const where = path ? { path } : { host: host ?? "localhost", port: port ?? 6379, family: family ?? 0 };
      const stream = tls ? connectTls({ ...where, ...tls } as ConnectionOptions) : createConnection(where);
      // ioredis asks for it when the stream has failed before it could listen.
      stream.once("error", (error) => (this.firstError = error));
      this.stream = cork(stream);
      return this.stream;
    }

    override check(info: Record<string, string>): boolean {
      const { path, host, port } = this.#options;
      hearInfo(info, path ?? `${host}:${port}`);
      return true;
    }

    override disconnect(): void {
      if (this.stream?.destroyed !== true) super.disconnect(); // else its timer would find nothing to end
    }
  };
}

/** The same for the primary that Sentinels name. */
export function sentinelConnector(hearInfo: HearInfo): ConnectorClass {
  return class extends SentinelConnector {
    constructor(options: unknown) {
      super(options as ConstructorParameters<typeof SentinelConnector>[0]);
      hushSentinelClients(this);
    }

    override async connect(emit: Parameters<SentinelConnector["connect"]>[0]): Promise<Stream> {
      return cork(await super.connect(emit));
    }

    override check(info: Record<string, string>): boolean {
      const isPrimary = super.check(info);
      if (isPrimary) hearInfo(info, "primary");
      return isPrimary;
    }
  };
}

/**
 * The clients with which ioredis listens to Sentinels have no listener for errors, so each Sentinel that goes away is printed
 * with its stack. What they tell is known without them: give them one, where this version makes them as 6.0.0 does.
 */
function hushSentinelClients(connector: SentinelConnector): void {
  const make: unknown = Reflect.get(connector, "connectToSentinel");
  if (typeof make !== "function") return;
  Reflect.set(connector, "connectToSentinel", (...args: unknown[]): unknown => {
    const client = Reflect.apply(make, connector, args) as Redis;
    return client.on("error", () => undefined);
  });
}
