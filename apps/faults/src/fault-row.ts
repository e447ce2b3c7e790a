import type { Failpoint, FailpointName, FailpointOptions, FaultProxy, Supervisor } from "@podlink/testkit";
import { failpoints } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { expect, test } from "vitest";
import { catalogue } from "./catalogue.ts";
import type { Injection, InjectionSource } from "./injections.ts";
import { Injections } from "./injections.ts";
import { recordedProxy } from "./recorded-proxy.ts";
import { recordedServer } from "./recorded-server.ts";

/** What a row's test leaves for docs/faults.md. */
export interface RowReport {
  readonly row: number;
  readonly injected: readonly string[];
  readonly requestsDuring: number;
  readonly seen: string;
}

declare module "vitest" {
  interface TaskMeta {
    faultRow?: RowReport;
  }
}

interface Request {
  readonly fromMs: number;
  readonly toMs: number;
}

/** How long the row's effects may last after what was injected is over, in ms: a request in this time counts as during it. */
const AFTERMATH_MS = 10_000;

/** One row at work: what was injected, what was asked meanwhile, what was seen. */
export class FaultRow {
  readonly injections: Injections = new Injections();
  readonly #requests: Request[] = [];
  #seen = "";
  #assertionsBefore: number | undefined;

  /** The server, with all that is done to it on record. */
  server(server: RedisServer): RedisServer {
    return recordedServer(server, this.injections);
  }

  /** The proxy, with the faults that befall something on record. */
  proxy(proxy: FaultProxy): FaultProxy {
    return recordedProxy(proxy, this.injections);
  }

  /** Every outage of its programs counts: what its record says of kills, pauses and ends. */
  supervisor(supervisor: Supervisor): Supervisor {
    this.injections.follow(() =>
      supervisor.outages().map(({ name, kind, detail, fromMs, toMs }) => ({
        source: "supervisor",
        what: `${name} ${kind}${detail === undefined ? "" : ` (${detail})`}`,
        fromMs,
        ...(toMs === undefined ? undefined : { toMs }),
      })),
    );
    return supervisor;
  }

  /** As `failpoints.on`; on record once a call has met it. */
  failpoint(name: FailpointName, options: FailpointOptions): Failpoint {
    const point = failpoints.on(name, options);
    const what = "action" in options ? options.action : "run";
    this.injections.begin("failpoint", `${name}: ${what}`, () => point.hits > 0);
    return point;
  }

  /** Something that this process does itself; an instrument with a record of its own says it better. */
  async inject<T>(source: InjectionSource, what: string, act: () => Promise<T> | T): Promise<T> {
    const over = this.injections.begin(source, what);
    try {
      return await act();
    } finally {
      over();
    }
  }

  /** A request of a user, or a call of a driver. */
  async request<T>(call: () => Promise<T> | T): Promise<T> {
    const fromMs = performance.now();
    try {
      return await call();
    } finally {
      this.#requests.push({ fromMs, toMs: performance.now() });
      this.#assertionsBefore ??= this.injections.all.length > 0 ? expect.getState().assertionCalls : undefined;
    }
  }

  /** What was seen, for the table: figures with their units. */
  saw(text: string): void {
    this.#seen = text;
  }

  /** @throws Error when the row has proved nothing: no injection on record, no request during it, nothing asserted after it. */
  report(row: number): RowReport {
    const { all } = this.injections;
    if (all.length === 0) throw new Error(`Row ${row} injected nothing`);
    const during = this.#requests.filter((request) => all.some((injection) => meet(injection, request)));
    if (during.length === 0) throw new Error(`Row ${row} asked nothing during what it injected`);
    if (expect.getState().assertionCalls <= (this.#assertionsBefore ?? 0)) {
      throw new Error(`Row ${row} asserted nothing after what it injected`);
    }
    const injected = Array.from(new Set(all.map(({ source, what }) => `${source}: ${what}`)));
    return { row, injected, requestsDuring: during.length, seen: this.#seen };
  }
}

function meet({ fromMs, toMs = Infinity }: Injection, request: Request): boolean {
  return request.toMs >= fromMs && request.fromMs <= toMs + AFTERMATH_MS;
}

/**
 * The test of one row of the catalogue. It passes only if an injection is on record, at least one request met it, and
 * something was asserted after it.
 * @param title what is shown; a row may have several tests, and passes if all of them do.
 */
export function faultRow(
  row: number,
  title: string,
  body: (row: FaultRow) => Promise<void>,
  options: { readonly timeoutMs?: number } = {},
): void {
  if (catalogue[row] === undefined) throw new Error(`There is no row ${row}`);
  test(`row ${row}: ${title}`, { timeout: options.timeoutMs ?? 60_000 }, async ({ task }) => {
    const fault = new FaultRow();
    await body(fault);
    task.meta.faultRow = fault.report(row);
  });
}
