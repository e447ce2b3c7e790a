import type { FiguresSource, HeapReading, OpenCounts, Violation } from "@podlink/testkit";
import { HandleWatcher, HeapWatcher, IN_FLIGHT_FIGURES, InFlightWatcher, openFilesOf } from "@podlink/testkit";
import { sleep } from "@podlink/types";
import type { Place } from "./place.ts";

/** How much more than at first may be in use in the end. */
export const HEAP_GROWTH = 1.1;
/** What a pod keeps of a user whom it holds, and of each of the newest changes of that user with its Idempotency-Key, in bytes. */
const USER_BYTES = 4096;
const CHANGE_BYTES = 250;
/** How many changes the sample keeps of each user. */
const KEPT_CHANGES = 100;
/** Connections that nobody uses are closed after 5 s; what is open for so long without a change stays open. */
const STEADY_MS = 1500;
const STEADY_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 250;

/** A process that lived from the first reading to the last. */
export interface Resident {
  readonly name: string;
  readonly heapBytes: readonly [first: number, last: number];
  readonly handles: readonly [first: number, last: number];
  /** How many users it held: a pod keeps in memory what they have. Of a gateway: 0. */
  readonly held: readonly [first: number, last: number];
}

interface Watched {
  readonly pid: number;
  readonly heap: HeapWatcher;
  readonly handles: HandleWatcher;
  readonly first: {
    readonly heap: HeapReading;
    readonly handles: OpenCounts;
    readonly held: number;
    readonly keptBytes: number;
  };
}

/** Heap, handles and what is under way of the processes that live long, read while no load is on them. */
export class Residents {
  readonly violations: Violation[] = [];
  readonly #place: Place;
  readonly #watched = new Map<string, Watched>();
  readonly #onViolation = (name: string) => (violation: Violation) =>
    void this.violations.push({ ...violation, message: `${name}: ${violation.message}` });

  constructor(place: Place) {
    this.#place = place;
  }

  /**
   * The first reading, of everything that runs.
   * @param changesOfOne how many changes a user has by now, on the average
   */
  async first(changesOfOne: number): Promise<void> {
    await Promise.all(
      this.#place.running.map(async ({ name, pid = 0 }) => {
        const onViolation = this.#onViolation(name);
        const read = async (): Promise<number> => (await this.#place.probe(name)).heapBytes;
        const heap = new HeapWatcher({ onViolation, read });
        const handles = new HandleWatcher({ onViolation, read: () => openFilesOf(pid) });
        await whenSteady(pid);
        const held = await this.#held(name);
        const first = {
          heap: await heap.mark("first"),
          handles: await handles.mark("first"),
          held,
          keptBytes: keptBytes(held, changesOfOne),
        };
        this.#watched.set(name, { pid, heap, handles, first });
      }),
    );
  }

  /**
   * The last reading, of those that are still the same process.
   * @param changesOfOne how many changes a user has by now, on the average
   */
  async last(changesOfOne: number): Promise<Resident[]> {
    const same = this.#place.running.flatMap(({ name, pid }) => {
      const watched = this.#watched.get(name);
      return watched?.pid === pid && watched !== undefined ? [{ name, ...watched }] : [];
    });
    return Promise.all(
      same.map(async ({ name, pid, heap, handles, first }) => {
        await whenSteady(pid);
        const { usedBytes } = await heap.mark("last");
        const held = await this.#held(name);
        heap.atMost(HEAP_GROWTH, "first", "last", {
          slackBytes: Math.max(0, keptBytes(held, changesOfOne) - first.keptBytes),
        });
        await handles.noMore("first", { withinMs: STEADY_WITHIN_MS });
        const last = await handles.mark("last");
        return {
          name,
          heapBytes: [first.heap.usedBytes, usedBytes],
          handles: [sum(first.handles), sum(last)],
          held: [first.held, held],
        };
      }),
    );
  }

  /** Until nothing is under way in any process that runs; what still is in the end is a violation. */
  async whenQuiet(): Promise<void> {
    await Promise.all(
      this.#place.running.map(async ({ name }) => {
        const watcher = new InFlightWatcher({ onViolation: this.#onViolation(name) });
        watcher.add(name, this.#figuresOf(name), [...IN_FLIGHT_FIGURES, "holding"]);
        await watcher.whenQuiet({ everyMs: LOOK_EVERY_MS });
      }),
    );
  }

  async #held(name: string): Promise<number> {
    return (await this.#place.probe(name)).figures["pod"]?.["held"] ?? 0;
  }

  #figuresOf(name: string): FiguresSource {
    return {
      read: async () =>
        Object.assign({}, ...Object.values((await this.#place.probe(name)).figures)) as Record<string, number>,
    };
  }
}

/** What users have in the memory of the pod that holds so many of them. Of a gateway, which holds nobody: nothing. */
function keptBytes(held: number, changesOfOne: number): number {
  return held * (USER_BYTES + Math.min(KEPT_CHANGES, changesOfOne) * CHANGE_BYTES);
}

async function whenSteady(pid: number): Promise<void> {
  const endsAtMs = performance.now() + STEADY_WITHIN_MS;
  let before = "";
  let sinceMs = performance.now();
  while (performance.now() < endsAtMs && performance.now() - sinceMs < STEADY_MS) {
    const now = JSON.stringify(await openFilesOf(pid));
    if (now !== before) sinceMs = performance.now();
    before = now;
    await sleep(LOOK_EVERY_MS);
  }
}

const sum = (counts: OpenCounts): number => Object.values(counts).reduce((total, count) => total + count, 0);
