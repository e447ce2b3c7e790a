import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { checkFault, checkOptions, NOW_OPTIONS } from "./check-fault.ts";
import { Connection } from "./connection.ts";
import type { Direction, Fault, ProxiedConnection } from "./fault.ts";
import type { FaultProxyOptions, FaultProxySettings } from "./options.ts";
import { parseProxyOptions } from "./options.ts";
import { ProxyRecord } from "./record.ts";
import type { ProxyCounts, ProxyEvent } from "./record.ts";
import type { FaultRule } from "./rule.ts";
import { Rule } from "./rule.ts";
import { resetSocket } from "./sockets.ts";
import type { WaitOptions } from "./waits.ts";
import { Waits } from "./waits.ts";

/** Which connections something befalls now. */
export interface NowSelection {
  /** Default: all that are open. */
  readonly connections?: (connection: ProxiedConnection) => boolean;
}

/** A line between clients and a server that fails as networks do, when and how it is told to. */
export interface FaultProxy extends AsyncDisposable {
  /** Where it listens. */
  readonly host: string;
  readonly port: number;
  /** The same seed, rules and chunks: the same decisions on each connection, however they take turns. */
  readonly seed: number;
  /** `redis://127.0.0.1:4711` for "redis". */
  url(scheme: string): string;

  /** From now on, until the rule's end. Rules are asked in the order in which they were added. @throws RouteError CONFIG */
  add(fault: Fault): FaultRule;
  /** The rules that have not ended. */
  readonly rules: readonly FaultRule[];
  /** Ends all rules. */
  heal(): void;
  /** Resets open connections, at both ends, now. */
  reset(selection?: NowSelection): void;
  /** Sends a FIN behind what has arrived in one direction; what follows is dropped, the other direction goes on. */
  halfClose(selection: NowSelection & { readonly direction: Direction }): void;

  /** Those that are open, at one end at least. */
  readonly connections: readonly ProxiedConnection[];
  /** What happened: the latest events, up to `recordLimit`. */
  readonly record: readonly ProxyEvent[];
  readonly counts: ProxyCounts;
  /** The first event that passes the test, of those on record or to come. Rejects when there is none in time. */
  whenRecorded(test: (event: ProxyEvent) => boolean, options?: WaitOptions): Promise<ProxyEvent>;

  /** Resets all connections and stops listening. Idempotent. @throws what a predicate of a rule threw */
  end(): Promise<void>;
}

/**
 * Resolves when it listens, on a free port.
 * @throws RouteError CONFIG naming what breaks which rule
 */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const settings = parseProxyOptions(options);
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  const proxy = new StartedProxy(server, settings);
  server.listen(0, settings.host);
  await once(server, "listening");
  return proxy;
}

class StartedProxy implements FaultProxy {
  readonly #server: Server;
  readonly #settings: FaultProxySettings;
  readonly #waits: Waits;
  readonly #record: ProxyRecord;
  readonly #rules = new Set<Rule>();
  readonly #connections = new Set<Connection>();
  readonly #thrown: unknown[] = [];
  #accepted = 0;
  #added = 0;
  #ended: Promise<void> | undefined;

  constructor(server: Server, settings: FaultProxySettings) {
    this.#server = server;
    this.#settings = settings;
    this.#waits = new Waits(settings.clock);
    this.#record = new ProxyRecord({ clock: settings.clock, limit: settings.recordLimit, waits: this.#waits });
    server.on("connection", (client) => this.#accept(client));
  }

  get host(): string {
    return this.#settings.host;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get seed(): number {
    return this.#settings.seed;
  }

  url(scheme: string): string {
    return `${scheme}://${this.host.includes(":") ? `[${this.host}]` : this.host}:${this.port}`;
  }

  add(fault: Fault): FaultRule {
    checkFault(fault);
    const rule = new Rule({
      fault,
      number: this.#added,
      seed: this.seed,
      record: this.#record,
      waits: this.#waits,
      onEnd: (ended) => this.#onRuleEnd(ended),
      onThrow: (error) => void this.#thrown.push(error),
    });
    this.#added += 1;
    this.#rules.add(rule);
    for (const connection of this.#connections) connection.befall(rule);
    return rule;
  }

  get rules(): readonly FaultRule[] {
    return Array.from(this.#rules);
  }

  heal(): void {
    for (const rule of Array.from(this.#rules)) rule.end();
  }

  reset(selection: NowSelection = {}): void {
    const { connections } = NOW_OPTIONS;
    checkOptions(selection, { connections }, "faultProxy.reset");
    for (const connection of this.#selected(selection)) connection.reset();
  }

  halfClose(selection: NowSelection & { readonly direction: Direction }): void {
    checkOptions(selection, NOW_OPTIONS, "faultProxy.halfClose");
    for (const connection of this.#selected(selection)) connection.halfClose(selection.direction);
  }

  get connections(): readonly ProxiedConnection[] {
    return Array.from(this.#connections, ({ view }) => ({ ...view }));
  }

  get record(): readonly ProxyEvent[] {
    return this.#record.events;
  }

  get counts(): ProxyCounts {
    return this.#record.counts;
  }

  whenRecorded(test: (event: ProxyEvent) => boolean, options?: WaitOptions): Promise<ProxyEvent> {
    return this.#record.whenRecorded(test, options);
  }

  async end(): Promise<void> {
    this.#ended ??= this.#end();
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  async #end(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    await Promise.all(
      Array.from(this.#connections, (connection) => {
        connection.reset();
        return connection.closed;
      }),
    );
    await closed;
    this.#waits.end("the proxy ended");
    if (this.#thrown.length > 0) throw this.#thrown[0];
  }

  #accept(client: Socket): void {
    this.#accepted += 1;
    const view = { id: this.#accepted, openedAtMs: this.#record.nowMs, clientPort: client.remotePort ?? 0 };
    const refusing = Array.from(this.#rules).find(
      (rule) => rule.fault.fault === "refuse" && rule.selectsConnection(view),
    );
    if (refusing !== undefined) {
      client.on("error", () => undefined);
      resetSocket(client);
      refusing.fire(view);
      return;
    }
    this.#record.add({ connection: view.id, what: "opened" });
    const { target, clock, maxBufferedBytes } = this.#settings;
    const connection = new Connection({
      view,
      client,
      target,
      clock,
      maxBufferedBytes,
      record: this.#record,
      rules: this.#rules,
      onClosed: (closed) => void this.#connections.delete(closed),
    });
    this.#connections.add(connection);
  }

  #selected({ connections }: NowSelection): Connection[] {
    return Array.from(this.#connections).filter(({ view }) => connections === undefined || connections(view));
  }

  #onRuleEnd(rule: Rule): void {
    this.#rules.delete(rule);
    for (const connection of this.#connections) connection.onRuleEnd(rule);
  }
}
