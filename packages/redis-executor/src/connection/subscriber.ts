import type { Clock, Logger, Subscription, Timer } from "@podlink/types";
import { defer } from "@podlink/types";
import type { Redis } from "ioredis";
import { retryDelayMs } from "./client-options.ts";
import { describeFailure } from "./ioredis-errors.ts";

/** A subscription that takes longer to be in effect counts as a gap: nobody waits longer for it. */
export const EFFECTIVE_WITHIN_MS = 100;

export interface SubscriberParts {
  /** A new connection to a server that can be listened to; undefined while there is none. */
  readonly open: () => Redis | undefined;
  readonly clock: Pick<Clock, "nowMs" | "setTimer">;
  readonly logger: Logger;
  /** Between two looks whether the connection still lives: one that only listens does not notice by itself. */
  readonly pingMs: number;
}

interface Listening {
  readonly hear: (message: string) => void;
  readonly onGap: () => void;
}

/** A subscription that says when messages will arrive for sure. */
export interface ListeningSubscription extends Subscription {
  /** Resolves when Redis has confirmed, or when this subscription or the connection was closed. */
  readonly effective: Promise<void>;
}

/** One channel: who listens to it, and whether Redis has confirmed it on the present connection. */
class Channel {
  readonly listeners = new Set<Listening>();
  readonly effective = defer<void>();
  readonly sinceMs: number;
  isConfirmed = false;
  /** Messages may have passed unheard. */
  hasGap = false;

  constructor(sinceMs: number) {
    this.sinceMs = sinceMs;
  }
}

/**
 * The connection that listens. It is made with the first subscription, and again after each loss, with jitter, on whichever
 * server there is then. Between loss and renewed subscription messages pass unheard: everybody is told of the gap, once
 * the subscription holds again, so that whoever reads then misses nothing more.
 */
export class Subscriber {
  readonly #parts: SubscriberParts;
  readonly #channels = new Map<string, Channel>();
  #redis: Redis | undefined;
  #reopen: Timer | undefined;
  #ping: Timer | undefined;
  #tries = 0;
  /** The youngest channel. */
  #lastChannelMs = -Infinity;
  #isClosed = false;

  constructor(parts: SubscriberParts) {
    this.#parts = parts;
  }

  get channels(): number {
    return this.#channels.size;
  }

  /** How many subscriptions are not in effect now. */
  get unconfirmed(): number {
    return [...this.#channels.values()].filter(({ isConfirmed }) => !isConfirmed).length;
  }

  /** Resolves when the youngest subscriptions are in effect. Absent: there is none to wait for. */
  get pending(): Promise<unknown> | undefined {
    const since = this.#parts.clock.nowMs() - EFFECTIVE_WITHIN_MS;
    if (this.#lastChannelMs <= since) return undefined;
    const young = [...this.#channels.values()].filter(({ isConfirmed, sinceMs }) => !isConfirmed && sinceMs > since);
    return young.length === 0 ? undefined : Promise.all(young.map(({ effective }) => effective.promise));
  }

  subscribe(name: string, hear: (message: string) => void, onGap: () => void): ListeningSubscription {
    const listening = { hear, onGap };
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      this.#lastChannelMs = this.#parts.clock.nowMs();
      channel = new Channel(this.#lastChannelMs);
      this.#channels.set(name, channel);
      if (this.#redis?.status === "ready") void this.#confirm(this.#redis, [name]);
      else if (this.#redis === undefined && this.#reopen === undefined) this.#open();
    }
    channel.listeners.add(listening);
    return { effective: channel.effective.promise, close: () => this.#leave(name, listening) };
  }

  /** There is a server to listen to: who waits for one waits no longer. */
  wake(): void {
    if (this.#redis !== undefined || this.#reopen === undefined) return;
    this.#reopen.cancel();
    this.#open();
  }

  /** Another server answers now: messages are published there. */
  renew(): void {
    if (this.#redis !== undefined) this.#lose(this.#redis);
  }

  close(): void {
    this.#isClosed = true;
    this.#reopen?.cancel();
    this.#ping?.cancel();
    for (const { effective } of this.#channels.values()) effective.resolve();
    this.#channels.clear();
    this.#redis?.disconnect();
    this.#redis = undefined;
  }

  #open(): void {
    this.#reopen = undefined;
    const redis = this.#parts.open();
    if (redis === undefined) return this.#openLater();
    this.#redis = redis;
    redis.on("ready", () => void this.#confirm(redis, [...this.#channels.keys()]));
    redis.on("message", (name: string, message: string) => {
      for (const { hear } of this.#listenersOf(name)) this.#safely(() => hear(message));
    });
    redis.on("close", () => this.#lose(redis));
    redis.on("error", (error: unknown) => {
      this.#parts.logger.debug({ reason: describeFailure(error) }, "the subscriber connection failed");
    });
  }

  async #confirm(redis: Redis, names: readonly string[]): Promise<void> {
    try {
      if (names.length > 0) await redis.subscribe(...names);
    } catch (error) {
      this.#parts.logger.warn({ reason: describeFailure(error) }, "Redis refused a subscription");
      return this.#lose(redis);
    }
    if (redis !== this.#redis) return;
    this.#tries = 0;
    this.#pingLater(redis);
    for (const name of names) this.#confirmed(name);
  }

  #confirmed(name: string): void {
    const channel = this.#channels.get(name);
    if (channel === undefined) return;
    channel.isConfirmed = true;
    channel.effective.resolve();
    const wasSlow = this.#parts.clock.nowMs() - channel.sinceMs > EFFECTIVE_WITHIN_MS;
    const tell = channel.hasGap || wasSlow;
    channel.hasGap = false;
    if (tell) for (const { onGap } of this.#listenersOf(name)) this.#safely(onGap);
  }

  #pingLater(redis: Redis): void {
    this.#ping?.cancel();
    this.#ping = this.#parts.clock.setTimer(this.#parts.pingMs, () => {
      redis.ping().then(
        () => redis === this.#redis && this.#pingLater(redis),
        () => this.#lose(redis),
      );
    });
  }

  #lose(redis: Redis): void {
    if (redis !== this.#redis) return;
    this.#redis = undefined;
    this.#ping?.cancel();
    redis.disconnect();
    for (const channel of this.#channels.values()) {
      channel.isConfirmed = false;
      channel.hasGap = true;
    }
    this.#openLater();
  }

  #openLater(): void {
    if (this.#isClosed) return;
    this.#tries += 1;
    this.#reopen = this.#parts.clock.setTimer(retryDelayMs(this.#tries), () => this.#open());
  }

  #leave(name: string, listening: Listening): void {
    const channel = this.#channels.get(name);
    if (channel?.listeners.delete(listening) !== true || channel.listeners.size > 0) return;
    this.#channels.delete(name);
    channel.effective.resolve();
    if (this.#redis?.status === "ready") this.#redis.unsubscribe(name).catch(() => undefined);
  }

  #listenersOf(name: string): readonly Listening[] {
    return [...(this.#channels.get(name)?.listeners ?? [])];
  }

  #safely(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#parts.logger.error({ error: error instanceof Error ? error.message : String(error) }, "a listener threw");
    }
  }
}
