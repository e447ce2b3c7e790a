import { CoarseClock, LinkCache } from "@podlink/state-cache";
import type { FakeClock } from "@podlink/testkit";
import { fakeClock, propertyRuns } from "@podlink/testkit";
import type { Link } from "@podlink/types";
import { makeLink } from "@podlink/types";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Fill } from "../src/link-cache.ts";

const UIDS = ["alice", "bob", "carol"];
const CACHE_SECS = 10;
const SHARE = 0.8;

interface Entry {
  readonly link: Link;
  readonly expiresAtMs: number;
}

/** What the semantics say of the link cache, told with a Map. */
class Model {
  readonly entries = new Map<string, Entry>();
  /** Fills under way; false: a deletion came after its beginning. */
  readonly fills: { readonly uid: string; counts: boolean }[] = [];

  live(uid: string, nowMs: number, staleForMs = 0): Link | undefined {
    const entry = this.entries.get(uid);
    return entry !== undefined && entry.expiresAtMs + staleForMs > nowMs ? entry.link : undefined;
  }

  set(link: Link, nowMs: number, authoritative: boolean): void {
    const previous = this.live(link.uid, nowMs);
    if (previous !== undefined && !authoritative && Number(link.token) < Number(previous.token)) return;
    const lifeMs = Math.min(SHARE * CACHE_SECS * 1000, SHARE * (link.expiresInMs ?? Number.POSITIVE_INFINITY));
    this.entries.set(link.uid, { link, expiresAtMs: nowMs + lifeMs });
  }

  /** @param uid absent: all. */
  delete(uid?: string): void {
    if (uid === undefined) this.entries.clear();
    else this.entries.delete(uid);
    for (const fill of this.fills) if (uid === undefined || fill.uid === uid) fill.counts = false;
  }
}

interface Real {
  readonly clock: FakeClock;
  readonly coarse: CoarseClock;
  readonly cache: LinkCache;
  readonly fills: Fill[];
}

type Act = (model: Model, real: Real, nowMs: number) => void | Promise<void>;

/** Something is done to both; then they have to agree on every uid. */
class Command implements fc.AsyncCommand<Model, Real> {
  readonly #name: string;
  readonly #act: Act;

  constructor(name: string, act: Act) {
    this.#name = name;
    this.#act = act;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    await this.#act(model, real, real.coarse.nowMs);
    const { cache, coarse } = real;
    for (const uid of UIDS) {
      const expected = model.live(uid, coarse.nowMs);
      expect(cache.peek(uid)).toBe(expected?.podIndex);
      expect(cache.peekCertain(uid, { byIndex: [true, false] })).toBe(expected?.podIndex === 0 ? 0 : undefined);
      expect(cache.get(uid)).toEqual(expected);
      expect(await cache.resolved(uid)).toEqual(expected);
      expect(cache.getStale(uid, 500)).toEqual(model.live(uid, coarse.nowMs, 500));
    }
  }

  toString(): string {
    return this.#name;
  }
}

const uid = fc.constantFrom(...UIDS);
const link = fc
  .record({
    uid,
    podIndex: fc.integer({ min: 0, max: 2 }),
    token: fc.integer({ min: 1, max: 6 }).map(String),
    kind: fc.constantFrom("owned" as const, "reservation" as const),
    expiresInMs: fc.constantFrom(undefined, 100, 1000, 60_000),
  })
  .map(({ expiresInMs, ...parts }) =>
    makeLink({ namespace: "prod", service: "room", ...parts, ...(expiresInMs === undefined ? {} : { expiresInMs }) }),
  );

const named = (name: string, ...args: unknown[]): string =>
  `${name}(${args.map((arg) => JSON.stringify(arg)).join(", ")})`;

const commands = fc.commands<Model, Real, false>(
  [
    fc.tuple(link, fc.boolean()).map(
      ([given, authoritative]) =>
        new Command(named("set", given, authoritative), (model, { cache }, nowMs) => {
          expect(cache.set(given, { authoritative })).toEqual(model.live(given.uid, nowMs));
          model.set(given, nowMs, authoritative);
        }),
    ),
    uid.map(
      (of) =>
        new Command(named("delete", of), (model, { cache }, nowMs) => {
          expect(cache.delete(of)).toEqual(model.live(of, nowMs));
          model.delete(of);
        }),
    ),
    uid.map(
      (of) =>
        new Command(named("beginFill", of), (model, { cache, fills }) => {
          fills.push(cache.beginFill(of));
          model.fills.push({ uid: of, counts: true });
        }),
    ),
    fc.tuple(fc.nat({ max: 3 }), link).map(
      ([position, read]) =>
        new Command(named("endFill", position, read), (model, { fills }, nowMs) => {
          const [fill] = fills.splice(position, 1);
          const [known] = model.fills.splice(position, 1);
          if (fill === undefined || known === undefined) return;
          const found = makeLink({ ...read, uid: known.uid });
          expect(fill.set(found)).toBe(known.counts);
          if (known.counts) model.set(found, nowMs, false);
        }),
    ),
    fc.constantFrom(20, 60, 100, 500, 7900).map(
      (ms) =>
        new Command(named("pass", ms), async (_model, { clock, coarse }) => {
          await clock.advance(ms);
          coarse.step();
        }),
    ),
    fc.constant(
      new Command("clear()", (model, { cache }) => {
        cache.clear();
        model.delete();
      }),
    ),
  ],
  { maxCommands: 60, size: "max" },
) as fc.Arbitrary<Iterable<Command>>;

test("whatever is set, filled, deleted and expires: the link cache has what the semantics say", async () => {
  const runs = propertyRuns("link cache", { numRuns: 300, seed: 20261122 });
  await fc.assert(
    fc.asyncProperty(commands, fc.constantFrom(0, 1, 100), async (program, hotEntries) => {
      const clock = fakeClock();
      const coarse = new CoarseClock(clock);
      const options = { linkInfoCacheTimeSecs: CACHE_SECS, hotEntries };
      const cache = new LinkCache({ namespace: "prod", service: "room", clock, coarse }, options);
      await fc.asyncModelRun(() => ({ model: new Model(), real: { clock, coarse, cache, fills: [] } }), program);
      cache.close();
      expect(clock.pendingTimers).toBe(0);
    }),
    runs,
  );
}, 300_000);
