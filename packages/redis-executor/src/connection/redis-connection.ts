import type { Clock, Figures, Logger, StoreEvent, StoreHealth, Subscription } from "@podlink/types";
import { defer, RouteError } from "@podlink/types";
import type { Redis } from "ioredis";
import type { RedisExecutorSettings } from "../options.ts";
import type { TimerWheel } from "../timer-wheel.ts";
import { Breakers } from "./breaker.ts";
import type { Line, Request } from "./calls.ts";
import { Calls } from "./calls.ts";
import { passwordOf, subscriberOptions } from "./client-options.ts";
import { Health } from "./health.ts";
import { HealthChecks } from "./health-checks.ts";
import { describeFailure, isRefusedLogin } from "./ioredis-errors.ts";
import { openTransport } from "./open-transport.ts";
import type { Connection, RunOptions, Script } from "./ports.ts";
import { ServerFindings } from "./server-info.ts";
import { ServerLives } from "./server-lives.ts";
import type { ListeningSubscription } from "./subscriber.ts";
import { EFFECTIVE_WITHIN_MS, Subscriber } from "./subscriber.ts";
import type { ServerInfo, Transport } from "./transport.ts";

/** Between two questions to a Cluster who answers for what. */
const LOOK_AGAIN_MS = 200;
/** A connection that listens is looked at as often, or more often with a shorter healthCheckIntervalMs. */
const SUBSCRIBER_PING_MS = 5000;

export interface RedisConnectionParts {
  readonly settings: RedisExecutorSettings;
  readonly clock: Clock;
  /** Where all deadlines hang. */
  readonly wheel: TimerWheel;
  readonly logger: Logger;
}

/** The executor's connection to Redis: one to send on, and one to listen on once something is watched. */
export class RedisConnection implements Connection {
  readonly #parts: RedisConnectionParts;
  readonly #transport: Transport;
  readonly #calls: Calls;
  readonly #health: Health;
  readonly #checks: HealthChecks;
  readonly #lives = new ServerLives();
  readonly #findings: ServerFindings;
  readonly #subscriber: Subscriber;
  readonly #breakers: Breakers;
  #ready: ReturnType<typeof defer<void>> | undefined = defer();
  #lastFailure: unknown;
  #lookedAgainAtMs = -Infinity;
  #isClosed = false;

  constructor(parts: RedisConnectionParts) {
    const { settings, clock, wheel, logger } = parts;
    this.#parts = parts;
    this.#health = new Health(logger);
    this.#findings = new ServerFindings(logger);
    const look = (): void => this.#look();
    this.#breakers = new Breakers({ opened: look, closed: look });
    this.#transport = openTransport(settings, () => this.#password(), {
      ready: () => this.#becomeReady(),
      lost: () => this.#becomeLost(),
      failed: (error) => this.#fail(error),
      server: (info, server) => this.#meet(info, server),
      topology: look,
    });
    this.#calls = new Calls({
      wheel,
      breakers: this.#breakers,
      whenReady: () => this.#whenReady(),
      unavailable: () => this.#unavailable(),
      lookAgain: this.kind === "cluster" ? () => this.#lookAgain() : undefined,
    });
    this.#checks = new HealthChecks({
      clock,
      intervalMs: settings.healthCheckIntervalMs,
      isHealthy: () => this.#health.now.healthy,
      check: () => this.#check(),
    });
    this.#subscriber = new Subscriber({
      open: () => this.#openSubscriber(),
      clock,
      logger,
      pingMs: Math.min(settings.healthCheckIntervalMs, SUBSCRIBER_PING_MS),
    });
  }

  get kind(): Connection["kind"] {
    return this.#transport.kind;
  }

  groupOf(key: string): number {
    return this.#transport.groupOf(key);
  }

  // Not `async`: of a promise that is handed on, whoever waits hears three turns later.
  run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
    options?: RunOptions,
  ): Promise<unknown> {
    const words = [script.sha, String(keys.length), ...keys];
    for (const arg of args) words.push(typeof arg === "string" ? arg : String(arg));
    const { timeoutMs = this.#parts.settings.commandTimeoutMs, writing, messageFirst, isAlone } = options ?? {};
    const [key = ""] = keys;
    return this.#send({ name: "evalsha", key, args: words, script, timeoutMs, writing, messageFirst, isAlone });
  }

  async command(key: string, name: string, ...args: (string | number)[]): Promise<unknown> {
    const { commandTimeoutMs: timeoutMs } = this.#parts.settings;
    const words = [key, ...args.map(String)];
    return this.#send({ name: name.toLowerCase(), key, args: words, script: undefined, timeoutMs });
  }

  subscribe(channel: string, listener: (message: string) => void, onGap: () => void): ListeningSubscription {
    this.#checkOpen();
    return this.#subscriber.subscribe(channel, listener, onGap);
  }

  health(): StoreHealth {
    return this.#health.now;
  }

  epoch(): number {
    return this.#health.epoch;
  }

  watch(listener: (event: StoreEvent) => void): Subscription {
    return this.#health.watch(listener);
  }

  async whenReady(timeoutMs: number): Promise<void> {
    this.#checkOpen();
    const ready = this.#whenReady();
    if (ready === undefined) return;
    const { promise, reject } = defer<void>();
    const timer = this.#parts.wheel.setTimer(timeoutMs, () => reject(this.#unavailable()));
    await Promise.race([ready, promise]).finally(() => timer.cancel());
  }

  read(): Figures {
    return {
      redisCalls: this.#calls.sent,
      redisCallsUnderWay: this.#calls.underWay,
      subscribedChannels: this.#subscriber.channels,
      subscriptionsUnconfirmed: this.#subscriber.unconfirmed,
    };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#checks.close();
    this.#health.close();
    this.#subscriber.close();
    this.#calls.close();
    this.#ready?.resolve();
    this.#transport.close();
  }

  #send(request: Request & { readonly key: string }): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(closed());
    // Whoever watches and then acts, or reads, sees what it did: but nobody waits long for that.
    const pending = this.#subscriber.pending;
    return pending === undefined
      ? this.#sendNow(request)
      : this.#waitFor(pending, EFFECTIVE_WITHIN_MS).then(() => this.#sendNow(request));
  }

  #sendNow(request: Request & { readonly key: string }): Promise<unknown> {
    return this.#calls.call(request, this.#transport, this.#transport.serverOf(request.key));
  }

  #waitFor(work: Promise<unknown>, longestMs: number): Promise<unknown> {
    const { promise, resolve } = defer<void>();
    const timer = this.#parts.wheel.setTimer(longestMs, resolve);
    return Promise.race([work, promise]).finally(() => timer.cancel());
  }

  #whenReady(): Promise<void> | undefined {
    this.#checkOpen();
    if (this.#findings.refusal !== undefined) throw this.#findings.refusal;
    if (this.#transport.isReady()) return undefined;
    this.#ready ??= defer();
    return this.#ready.promise;
  }

  #becomeReady(): void {
    this.#lastFailure = undefined;
    this.#breakers.reset();
    this.#ready?.resolve();
    this.#ready = undefined;
    this.#subscriber.wake();
    this.#look();
  }

  #becomeLost(): void {
    this.#ready ??= defer();
    this.#look();
  }

  #fail(error: unknown): void {
    this.#lastFailure = error;
    this.#parts.logger.debug({ reason: describeFailure(error) }, "the connection to Redis failed");
    this.#look();
  }

  /** A server answers: what it is, and whether it is another one than before, is known before anything is sent to it. */
  #meet(info: ServerInfo, server: string): void {
    this.#findings.meet(info, server);
    this.#lives.hear(server, info["run_id"]);
    this.#look();
  }

  #look(): void {
    if (this.#isClosed) return;
    const transport = this.#transport as Transport | undefined; // it may tell something while it is being made
    if (transport === undefined) return;
    if (this.#lives.haveChanged(transport.owners())) {
      this.#health.newEpoch();
      if (this.kind === "sentinel") this.#subscriber.renew();
    }
    const missing = transport.missing();
    const { silent } = this.#breakers;
    if (this.#findings.refusal !== undefined) this.#health.down(this.#findings.refusal.message);
    else if (!transport.isReady()) this.#health.down(this.#whyNot());
    else if (missing.length > 0) this.#health.down(`no connection to ${missing.join(", ")}`);
    else if (silent.length > 0) this.#health.down(`no answer from ${silent.join(", ")}`);
    else this.#health.up();
  }

  #whyNot(): string {
    return this.#lastFailure === undefined ? "not connected" : describeFailure(this.#lastFailure);
  }

  #unavailable(): RouteError {
    const code = isRefusedLogin(this.#lastFailure) ? "UNAUTHENTICATED" : "STORE_UNAVAILABLE";
    const reason = this.#transport.isReady() ? (this.#health.now.reason ?? "it does not answer") : this.#whyNot();
    return new RouteError(code, `Redis can't be used now: ${reason}`, { outcome: "not-applied" });
  }

  /** Asks every primary; a look at the connections is not enough: a peer that is gone without a word still looks connected. */
  async #check(): Promise<void> {
    const transport = this.#transport;
    if (transport.missing().length > 0) this.#lookAgain();
    const pings = transport.primaries().map((node) => this.#ping(node));
    const failed = (await Promise.allSettled(pings)).find((answer) => answer.status === "rejected");
    if (this.#isClosed) return;
    if (failed === undefined) this.#look();
    else this.#health.down(RouteError.from(failed.reason).message);
  }

  /** Each look costs a connection, and many calls may ask for one. */
  #lookAgain(): void {
    const now = this.#parts.clock.nowMs();
    if (now - this.#lookedAgainAtMs < LOOK_AGAIN_MS) return;
    this.#lookedAgainAtMs = now;
    this.#transport.lookAgain();
  }

  #ping(node: Redis): Promise<unknown> {
    const server = this.kind === "cluster" ? `${node.options.host}:${node.options.port}` : this.#transport.serverOf("");
    const { commandTimeoutMs: timeoutMs } = this.#parts.settings;
    const line: Line = { send: (command, receiver) => command.send(node, receiver) };
    return this.#calls.call({ name: "ping", args: [], script: undefined, timeoutMs }, line, server);
  }

  #openSubscriber(): Redis | undefined {
    const primaries = this.#transport.primaries();
    const node = primaries[Math.floor(Math.random() * primaries.length)];
    const password = this.#password();
    return node?.duplicate({ ...subscriberOptions, ...(password === undefined ? {} : { password }) });
  }

  /** The present secret; one that can't be had just now stays what it was. */
  #password(): string | undefined {
    try {
      return passwordOf(this.#parts.settings);
    } catch (error) {
      this.#parts.logger.error({ reason: RouteError.from(error).message }, "the password could not be asked for");
      return undefined;
    }
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closed();
  }
}

const closed = (): RouteError => new RouteError("CLOSED", "the Redis executor is closed", { outcome: "not-applied" });
