import { scripts } from "@podlink/lua";
import type { CallOptions, KnownReading, PodReading, PodRow } from "@podlink/types";
import { RouteError, sleep } from "@podlink/types";
import type { PodParts } from "./parts.ts";
import type { ReadingReply } from "./reading-reply.ts";
import { decodeReading } from "./reading-reply.ts";
import type { RowReader } from "./row-reader.ts";
import type { ServiceName } from "./service-keys.ts";
import { podKeys } from "./service-keys.ts";

/** The longest pause before the next page of all rows: many who read all at once come in turn, and let others in between. */
const MOST_PAUSE_MS = 10;
const FIRST_PAGE = 0;

interface ReadingRequest {
  readonly name: ServiceName;
  readonly silenceMs: number;
  readonly known: KnownReading | undefined;
  readonly call: CallOptions;
  /** Whether anybody still waits. */
  readonly waits: () => boolean;
}

/** One reading: what changed, or all rows, page by page. */
export class PodReader {
  readonly #parts: PodParts;
  readonly #rows: RowReader;
  pages = 0;

  constructor(parts: PodParts, rows: RowReader) {
    this.#parts = parts;
    this.#rows = rows;
  }

  async read(request: ReadingRequest): Promise<PodReading> {
    const rows = new Map<number, PodRow>();
    const first = await this.#ask(request, FIRST_PAGE);
    let reply = first;
    this.#take(rows, reply, request.name);
    while (reply.place === "page") {
      await sleep(Math.random() * MOST_PAUSE_MS, { clock: this.#parts.clock });
      if (!request.waits()) throw new RouteError("CANCELLED", "nobody waits for the reading any more");
      const next = await this.#ask({ ...request, known: undefined }, reply.cursor);
      // Other data than that of the pages before: the store was emptied, or another server answers.
      if (next.generation !== reply.generation || next.sequence < reply.sequence) return this.read(request);
      this.#take(rows, next, request.name);
      reply = next;
    }
    const { nowMs, generation, sequence, silent, silentCount } = reply;
    return Object.freeze({
      nowMs,
      ...(generation === undefined ? undefined : { generation }),
      sequence,
      complete: first.which === "all",
      rows: Object.freeze(Array.from(rows.values()).toSorted((one, other) => one.podIndex - other.podIndex)),
      silent: Object.freeze(silent),
      silentCount,
    });
  }

  async #ask({ name, silenceMs, known, call }: ReadingRequest, cursor: number): Promise<ReadingReply> {
    const { connection, prefix, nowMs } = this.#parts;
    const args = [nowMs?.() ?? "", silenceMs, known?.generation ?? "", known?.sequence ?? 0, cursor];
    this.pages += 1;
    return decodeReading(await connection.run(scripts.readPods, podKeys(prefix, name), args, call));
  }

  #take(rows: Map<number, PodRow>, reply: ReadingReply, name: ServiceName): void {
    for (const [podIndex, text] of reply.rows) {
      const row = this.#rows.read(name, podIndex, text);
      if (row !== undefined) rows.set(row.podIndex, row); // one that changed meanwhile stands in a later page again
    }
  }
}
