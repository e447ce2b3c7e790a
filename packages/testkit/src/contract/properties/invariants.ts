import type { Link, LinkOp, LinkStore, ResultOf } from "@podlink/types";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { MakeStore } from "../harness.ts";
import { lasting } from "../links/expectations.ts";
import type { Subject } from "../subject.ts";
import { describeStore } from "../subject.ts";
import type { KnownTokens, LinkHistoryStep } from "./link-steps.ts";
import { linkHistories, linksIn, opOf } from "./link-steps.ts";

export interface PropertyOptions {
  /** Random histories a property. Default 200. */
  readonly numRuns?: number;
}

/** What holds for every history of a link, whatever the operations are. */
export function linkStoreProperties(
  name: string,
  makeStore: MakeStore<LinkStore>,
  options: PropertyOptions = {},
): void {
  const { numRuns = 200 } = options;
  describeStore(`${name}: properties of links`, makeStore, (subject) => {
    test("random operations: tokens grow, one holder, expiry honoured, get agrees with the last winner", async (context) => {
      context.skip(!subject.can("exactTime"), "the store's time can't be set exactly");
      const property = fc.asyncProperty(linkHistories, (history) => new LinkHistory(subject).run(history));
      await fc.assert(property, { numRuns });
    });

    test("operations at the same time: no two owners share a token, and the highest is what holds", async () => {
      const second = await subject.second();
      const property = fc.asyncProperty(linkHistories, (history) => runAtOnce(history, subject, second));
      await fc.assert(property, { numRuns });
    });
  });
}

/** Carries out a history step by step, comparing what is seen with what was seen before. */
class LinkHistory {
  readonly #subject: Subject<LinkStore>;
  readonly #key;
  readonly #tokens: KnownTokens = { current: "0", stale: "0" };
  #held: Link | undefined;
  #last: LinkOp | undefined;
  #count = 0;

  constructor(subject: Subject<LinkStore>) {
    this.#subject = subject;
    this.#key = subject.uniqueKey();
  }

  async run(history: readonly LinkHistoryStep[]): Promise<void> {
    for (const step of history) {
      if (step.step === "advance") await this.#advance(step.ms);
      else {
        const op = step.step === "op" ? opOf(step.draft, this.#key, this.#names()) : this.#last;
        if (op !== undefined) await this.#execute(op);
      }
    }
  }

  #names() {
    this.#count += 1;
    return { tokens: this.#tokens, opId: `op${this.#count}` };
  }

  async #advance(ms: number): Promise<void> {
    await this.#subject.advance(ms);
    const { expiresInMs } = this.#held ?? {};
    if (this.#held !== undefined && expiresInMs !== undefined) {
      this.#held = expiresInMs > ms ? { ...this.#held, expiresInMs: expiresInMs - ms } : undefined;
    }
    expect(await this.#get(), "after time has passed").toEqual(this.#held);
  }

  async #execute(op: LinkOp): Promise<void> {
    const result = await this.#subject.store.execute(op);
    if (op.kind !== "get") this.#last = op;
    const after = await this.#get();
    const [winner] = linksIn(result);
    if (winner !== undefined) expect(after, "get, compared with the winner").toEqual(winner);
    else if (after !== undefined) expect(op.kind === "remove" && op.graceMs > 0, "still there").toBe(true);
    for (const seen of linksIn(result)) this.#checkToken(seen);
    if (after !== undefined) this.#checkChange(after);
    this.#held = after;
  }

  #checkToken({ token }: Link): void {
    const isKnown = token === this.#held?.token;
    if (!isKnown) expect(Number(token), "a token, above all before it").toBeGreaterThan(Number(this.#tokens.current));
  }

  /** Another holder always has another, higher token. */
  #checkChange(after: Link): void {
    const held = this.#held;
    const isSameHolder = held?.podIndex === after.podIndex && held.incarnation === after.incarnation;
    if (after.token !== this.#tokens.current) {
      expect(Number(after.token)).toBeGreaterThan(Number(this.#tokens.current));
      this.#tokens.stale = this.#tokens.current;
      this.#tokens.current = after.token;
    } else expect(isSameHolder, "the same token, the same holder").toBe(true);
  }

  #get(): Promise<Link | undefined> {
    return this.#subject.store.execute({ kind: "get", ...this.#key });
  }
}

/**
 * All operations of a history at the same time, over two executors. Where the store's time stands still, what is removed
 * leaves its record: without one, an executor that has not seen its token has nothing but the time to go beyond it by.
 */
async function runAtOnce(
  history: readonly LinkHistoryStep[],
  subject: Subject<LinkStore>,
  second: LinkStore,
): Promise<void> {
  const key = subject.uniqueKey();
  const tokens = { current: "0", stale: "0" };
  const leastGraceMs = subject.can("exactTime") ? 1 : 0;
  const ops = history.flatMap((step, index) => {
    if (step.step !== "op") return [];
    const draft = { ...step.draft, graceMs: Math.max(leastGraceMs, step.draft.graceMs) };
    return [opOf(draft, key, { tokens, opId: `op${index}` })];
  });
  const results: ResultOf<LinkOp>[] = await Promise.all(
    ops.map((op, index) => (index % 2 === 0 ? subject.store : second).execute(op)),
  );
  const after = await subject.store.execute({ kind: "get", ...key });
  const holders = new Map<string, object>();
  for (const link of [...results.flatMap(linksIn), ...(after === undefined ? [] : [after])]) {
    const { podIndex, incarnation } = lasting(link);
    expect(holders.get(link.token) ?? { podIndex, incarnation }, "the holder of a token").toEqual({
      podIndex,
      incarnation,
    });
    holders.set(link.token, { podIndex, incarnation });
  }
  const highest = Math.max(0, ...Array.from(holders.keys(), Number));
  if (after !== undefined) expect(Number(after.token)).toBe(highest);
}
