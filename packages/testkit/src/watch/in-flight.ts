import type { Clock, Figures, Subscription } from "@podlink/types";
import { keepAliveUntil, sleep, systemClock } from "@podlink/types";
import type { Watcher, WatcherOptions } from "./violation.ts";
import { ms } from "./violation.ts";

/**
 * Figures that count what is under way, by the names that podlink's own `read()` gives them: `linksWaiting`,
 * `linkScriptsOnWire`, `redisCallsUnderWay`, `subscriptionsUnconfirmed` (Redis executor), `waiting` (client driver: calls),
 * `running` (HTTP proxy: requests). Not among them: `upgraded` (open WebSockets), `held`, and all that only grows.
 */
export const IN_FLIGHT_FIGURES: readonly string[] = [
  "linksWaiting",
  "linkScriptsOnWire",
  "redisCallsUnderWay",
  "subscriptionsUnconfirmed",
  "waiting",
  "running",
];

/** A MetricsSource, or one that has to be asked over a network. */
export interface FiguresSource {
  read(): Figures | Promise<Figures>;
}

export interface InFlightWatcherOptions extends WatcherOptions {
  /** The figures that return to zero. Default: {@link IN_FLIGHT_FIGURES}. */
  readonly figures?: readonly string[];
}

export interface WhenQuietOptions {
  /** How long it may take until all is zero, in milliseconds. Default 5000. */
  readonly withinMs?: number;
  /** How often it is looked, in milliseconds. Default 20. */
  readonly everyMs?: number;
}

interface AddedSource {
  readonly name: string;
  readonly source: FiguresSource;
  readonly figures: readonly string[];
}

/** What is not zero, "source.figure" by its value. */
type UnderWay = Readonly<Record<string, number>>;

/** Holds that counters of things in flight are never negative, and are zero when nothing is asked any more. */
export class InFlightWatcher implements Watcher {
  readonly invariant = "in-flight";
  readonly #onViolation: WatcherOptions["onViolation"];
  readonly #clock: Clock;
  readonly #figures: readonly string[];
  readonly #sources = new Set<AddedSource>();
  readonly #negative = new Set<string>();
  #observed = 0;

  constructor({ onViolation, clock = systemClock, figures = IN_FLIGHT_FIGURES }: InFlightWatcherOptions) {
    this.#onViolation = onViolation;
    this.#clock = clock;
    this.#figures = figures;
  }

  get observed(): number {
    return this.#observed;
  }

  /** @param figures which of its figures return to zero. Default: those of the watcher that it has; it must have one. */
  add(name: string, source: FiguresSource, figures: readonly string[] = this.#figures): Subscription {
    const added = { name, source, figures };
    this.#sources.add(added);
    return { close: () => void this.#sources.delete(added) };
  }

  /** Reads all sources once. @throws Error when a source has none of its figures; whatever a source throws. */
  async sample(): Promise<void> {
    await this.#read();
  }

  /**
   * Resolves when all is zero in one reading; what isn't by the limit is a violation, and it resolves all the same. To be
   * called when nobody asks anything any more. @throws as `sample`, and when there is no source.
   */
  whenQuiet({ withinMs = 5000, everyMs = 20 }: WhenQuietOptions = {}): Promise<void> {
    return keepAliveUntil(this.#whenQuiet(withinMs, everyMs));
  }

  async #whenQuiet(withinMs: number, everyMs: number): Promise<void> {
    if (this.#sources.size === 0) throw new Error("whenQuiet: no source of figures was added");
    const startedMs = this.#clock.nowMs();
    const first = await this.#read();
    let last = first;
    while (Object.keys(last).length > 0) {
      const atMs = this.#clock.nowMs();
      if (atMs - startedMs >= withinMs) {
        const message = `still in flight ${ms(atMs - startedMs)} after all was quiet: ${text(last)}; at first: ${text(first)}`;
        this.#onViolation({ invariant: "in-flight", atMs, message, evidence: { startedMs, first, last } });
        return;
      }
      await sleep(everyMs, { clock: this.#clock });
      last = await this.#read();
    }
  }

  /** A source that can't be read doesn't hide the others. */
  async #read(): Promise<UnderWay> {
    const underWay: Record<string, number> = {};
    const failures: unknown[] = [];
    for (const added of Array.from(this.#sources)) {
      try {
        this.#note(added, await added.source.read(), underWay);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return underWay;
  }

  #note({ name, figures }: AddedSource, read: Figures, underWay: Record<string, number>): void {
    const known = figures.filter((figure) => read[figure] !== undefined);
    if (known.length === 0) throw new Error(`${name} has none of the figures ${figures.join(", ")}`);
    for (const figure of known) {
      this.#observed += 1;
      const value = read[figure] as number;
      if (value !== 0) underWay[`${name}.${figure}`] = value;
      if (value < 0) this.#accuseNegative(`${name}.${figure}`, value);
    }
  }

  /** Once for each figure. */
  #accuseNegative(figure: string, value: number): void {
    if (this.#negative.has(figure)) return;
    this.#negative.add(figure);
    const message = `${figure} is ${value}: more ended than had begun`;
    this.#onViolation({ invariant: "in-flight", atMs: this.#clock.nowMs(), message, evidence: { figure, value } });
  }
}

function text(underWay: UnderWay): string {
  return Object.entries(underWay)
    .map(([figure, value]) => `${figure} ${value}`)
    .join(", ");
}
