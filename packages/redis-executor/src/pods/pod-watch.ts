import type { PodEvent, Subscription } from "@podlink/types";
import { Listeners } from "@podlink/types";
import type { PodParts } from "./parts.ts";
import type { RowReader } from "./row-reader.ts";
import type { ServiceName } from "./service-keys.ts";
import { podChannel } from "./service-keys.ts";

/** `<sequence number of the message before>|<podIndex>|<row>`, as lua/lib/pods/publishRow publishes it. */
const MESSAGE = /^(\d+)\|(\d+)\|(.+)$/s;
const GAP: PodEvent = Object.freeze({ kind: "gap" });

/**
 * Follows the published changes of a service. Every message names the one before it, so that one that got lost on the way
 * (between the nodes of a Cluster, say) is a gap too.
 */
export class PodWatch {
  readonly #name: ServiceName;
  readonly #rows: RowReader;
  readonly #listeners: Listeners<PodEvent>;
  /** The number of the message heard last. Undefined: the next one is believed. */
  #last: number | undefined;

  constructor(
    name: ServiceName,
    listener: (event: PodEvent) => void,
    { logger, rows }: Pick<PodParts, "logger"> & { rows: RowReader },
  ) {
    this.#name = name;
    this.#rows = rows;
    this.#listeners = new Listeners(logger); // what the listener throws is logged
    this.#listeners.add(listener);
  }

  open({ connection, prefix }: Pick<PodParts, "connection" | "prefix">): Subscription {
    const miss = (): void => this.#miss();
    const channel = connection.subscribe(podChannel(prefix, this.#name), (message) => this.#hear(message), miss);
    const epochs = connection.watch((event) => event.kind === "epoch" && miss()); // other data may answer now
    const close = (): void => {
      channel.close();
      epochs.close();
    };
    return { ...channel, close };
  }

  #hear(message: string): void {
    const [, before, podIndex, text] = MESSAGE.exec(message) ?? [];
    const row = podIndex === undefined || text === undefined ? undefined : this.#rows.read(this.#name, podIndex, text);
    if (row === undefined) return this.#miss(); // can't be read: nor can what it says be told
    if (this.#last !== undefined && Number(before) !== this.#last) this.#miss();
    this.#last = row.sequence;
    this.#listeners.emit(Object.freeze({ kind: "pod", sequence: row.sequence, row }));
  }

  #miss(): void {
    this.#last = undefined;
    this.#listeners.emit(GAP);
  }
}
