import type { PodRow } from "@podlink/types";
import type { PodParts } from "./parts.ts";
import type { Unreadable } from "./row-text.ts";
import { decodeRow } from "./row-text.ts";
import type { ServiceName } from "./service-keys.ts";

const LOGGED_EVERY_MS = 60_000;

/** Reads rows; counts those that can't be read, and says so at most once a minute. They are silent pods, never goodbyes. */
export class RowReader {
  readonly #parts: Pick<PodParts, "clock" | "logger">;
  #loggedAtMs = -Infinity;
  broken = 0;
  newer = 0;

  constructor(parts: Pick<PodParts, "clock" | "logger">) {
    this.#parts = parts;
  }

  /** Undefined: it can't be read. */
  read(name: ServiceName, podIndex: string, text: string): PodRow | undefined {
    const row = decodeRow(podIndex, text);
    if (typeof row !== "string") return row;
    this[row] += 1;
    this.#log(name, podIndex, row);
    return undefined;
  }

  #log({ namespace, service }: ServiceName, podIndex: string, why: Unreadable): void {
    const nowMs = this.#parts.clock.nowMs();
    if (nowMs - this.#loggedAtMs < LOGGED_EVERY_MS) return;
    this.#loggedAtMs = nowMs;
    this.#parts.logger.warn(
      { namespace, service, podIndex: podIndex.slice(0, 8), why },
      "the row of a pod can't be read",
    );
  }
}
