import type { Redis } from "ioredis";
import { retryDelayMs } from "./client-options.ts";
import { parseInfo } from "./server-info.ts";
import type { Receiver, TrackedCommand } from "./tracked-command.ts";
import type { ServerInfo, Transport, TransportEvents } from "./transport.ts";

/** The one server there is; its address, or who Sentinel names, may change. */
const THE_SERVER = "primary";

export interface SingleTransportParts {
  readonly kind: "single" | "sentinel";
  readonly redis: Redis;
  /** Not made here: asked for INFO when it is ready, and left open. */
  readonly isInjected: boolean;
  readonly events: TransportEvents;
  /** The present secret; asked before each connection. */
  readonly password: () => string | undefined;
}

export class SingleTransport implements Transport {
  readonly kind: "single" | "sentinel";
  readonly #redis: Redis;
  readonly #parts: SingleTransportParts;
  readonly #listeners: Readonly<Record<string, (value: unknown) => void>>;
  #isKnown = false;
  /** How often ioredis gave up since the connection was last ready. */
  #timesEnded = 0;
  #comingBack: NodeJS.Timeout | undefined;

  constructor(parts: SingleTransportParts) {
    const { redis, events } = parts;
    this.kind = parts.kind;
    this.#redis = redis;
    this.#parts = parts;
    this.#listeners = {
      ready: () => void this.#welcome(),
      close: () => this.#part(),
      reconnecting: () => this.#renewPassword(),
      error: (error: unknown) => events.failed(error),
      end: () => this.#comeBack(),
    };
    for (const [event, listener] of Object.entries(this.#listeners)) redis.on(event, listener);
    if (redis.status === "ready") void this.#welcome();
    else if (redis.status === "wait") redis.connect().catch((error: unknown) => events.failed(error));
  }

  isReady(): boolean {
    return this.#isKnown && this.#redis.status === "ready";
  }

  send(command: TrackedCommand, receiver: Receiver): void {
    command.send(this.#redis, receiver);
  }

  groupOf(): number {
    return 0;
  }

  serverOf(): string {
    return THE_SERVER;
  }

  owners(): readonly string[] {
    return [THE_SERVER];
  }

  missing(): readonly string[] {
    return this.isReady() ? [] : [THE_SERVER];
  }

  primaries(): readonly Redis[] {
    return this.isReady() ? [this.#redis] : [];
  }

  lookAgain(): void {
    // ioredis connects again by itself.
  }

  close(): void {
    for (const [event, listener] of Object.entries(this.#listeners)) this.#redis.off(event, listener);
    this.#isKnown = false;
    clearTimeout(this.#comingBack);
    if (this.#parts.isInjected) return;
    this.#redis.on("error", () => undefined);
    this.#redis.disconnect();
  }

  /** What the connector heard before the connection was ready. */
  hearInfo(info: ServerInfo): void {
    this.#isKnown = true;
    this.#parts.events.server(info, THE_SERVER);
  }

  async #welcome(): Promise<void> {
    if (this.#parts.isInjected) {
      const info = await this.#redis.info().then(parseInfo, () => undefined);
      if (info === undefined && this.#redis.status !== "ready") return;
      this.hearInfo(info ?? {});
    }
    if (!this.isReady()) return;
    this.#timesEnded = 0;
    this.#parts.events.ready();
  }

  /**
   * ioredis gives up for good, whatever its retryStrategy says, when a Sentinel tells of a failover while one is being asked
   * for the primary: the news, meant for the connection that is gone, ends the try to make a new one.
   */
  #comeBack(): void {
    if (this.#parts.isInjected) return; // whoever made it may have ended it
    this.#timesEnded += 1;
    this.#comingBack = setTimeout(() => {
      this.#renewPassword();
      this.#redis.connect().catch((error: unknown) => this.#parts.events.failed(error));
    }, retryDelayMs(this.#timesEnded));
  }

  #part(): void {
    this.#isKnown = false;
    this.#parts.events.lost();
  }

  #renewPassword(): void {
    const password = this.#parts.password();
    if (password !== undefined) this.#redis.options.password = password;
  }
}
