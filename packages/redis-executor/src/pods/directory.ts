import type { Figures, PodDirectory, PodEvent, PodReading, ReadPodsOptions, Subscription } from "@podlink/types";
import { checkNamespace, checkReadPodsOptions, checkService, DEFAULTS } from "@podlink/types";
import { answered } from "./answered.ts";
import type { PodParts } from "./parts.ts";
import { PodReader } from "./pod-reading.ts";
import { PodWatch } from "./pod-watch.ts";
import { RowReader } from "./row-reader.ts";

/** Two heartbeats and 500 ms. */
const SILENCE_MS = 2 * DEFAULTS.heartbeatIntervalMs + 500;

/**
 * For so long after the epoch changed every reading brings all rows. The new server may lack what readers know and have given
 * the same numbers to other changes: what follows such a number would miss those for good. Readers come every few seconds.
 */
const DISTRUST_MS = 30_000;

/** Who the pods of a service are, as Redis has them and as it publishes their changes. */
export class RedisDirectory implements PodDirectory {
  readonly #parts: PodParts;
  readonly #rows: RowReader;
  readonly #reader: PodReader;
  #newEpochAtMs = -Infinity;

  constructor(parts: PodParts) {
    this.#parts = parts;
    this.#rows = new RowReader(parts);
    this.#reader = new PodReader(parts, this.#rows);
    parts.connection.watch((event) => {
      if (event.kind === "epoch") this.#newEpochAtMs = parts.clock.nowMs();
    });
  }

  async readPods(namespace: string, service: string, options: ReadPodsOptions = {}): Promise<PodReading> {
    checkReadPodsOptions(options);
    const name = { namespace: checkNamespace(namespace), service: checkService(service) };
    const { known: said, silenceMs = SILENCE_MS, ...call } = options;
    const known = this.#parts.clock.nowMs() - this.#newEpochAtMs < DISTRUST_MS ? undefined : said;
    return answered({ what: `reading the pods of ${namespace}/${service}`, call }, this.#parts, (waits) =>
      this.#reader.read({ name, silenceMs, known, call, waits }),
    );
  }

  watchPods(namespace: string, service: string, listener: (event: PodEvent) => void): Subscription {
    const name = { namespace: checkNamespace(namespace), service: checkService(service) };
    return new PodWatch(name, listener, { logger: this.#parts.logger, rows: this.#rows }).open(this.#parts);
  }

  /** How many pages of pods were read, and how many rows could not be. */
  read(): Figures {
    return { podPages: this.#reader.pages, podRowsBroken: this.#rows.broken, podRowsNewer: this.#rows.newer };
  }
}
