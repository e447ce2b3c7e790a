import type { Link, LinkKey, LinkOp, LinkStore, ResultOf } from "@podlink/types";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { MakeStore } from "../harness.ts";
import type { Subject } from "../subject.ts";
import { describeStore } from "../subject.ts";
import type { PropertyOptions } from "./invariants.ts";
import type { KnownTokens, LinkHistoryStep } from "./link-steps.ts";
import { linkHistories, linksIn, opOf } from "./link-steps.ts";

/** All that a model must be told instead of finding out. */
export interface LinkModelContext {
  readonly nowMs: number;
  readonly nowUs: number;
  readonly highestToken: number;
  readonly opId: string;
  readonly ownedTtlMs: number;
}

/**
 * The sequential model of one link: what an operation does to a record, as a pure function. `applyLinkOp` of
 * `@podlink/memory-executor` is one; what a record is, only the model knows.
 */
export type LinkModel<R> = <O extends LinkOp>(
  record: R | undefined,
  op: O,
  context: LinkModelContext,
) => { readonly record: R | undefined; readonly result: ResultOf<O> };

const START_MS = 1_704_067_200_000;
const OWNED_TTL_MS = 604_800_000;

/** The same random operations, the same answers: a store compared with a model, all of a result but the very tokens. */
export function linkModelContract<R>(
  name: string,
  makeStore: MakeStore<LinkStore>,
  { model, numRuns = 300 }: PropertyOptions & { readonly model: LinkModel<R> },
): void {
  describeStore(`${name}: links against the model`, makeStore, (subject) => {
    test("random operations are answered as the model answers them", async (context) => {
      context.skip(!subject.can("exactTime"), "the store's time can't be set exactly");
      const property = fc.asyncProperty(linkHistories, (history) => new ModelledLink(subject, model).run(history));
      await fc.assert(property, { numRuns });
    });
  });
}

/** One link in the store and in the model, kept side by side. */
class ModelledLink<R> {
  readonly #subject: Subject<LinkStore>;
  readonly #model: LinkModel<R>;
  readonly #key: LinkKey;
  readonly #stored: KnownTokens = { current: "0", stale: "0" };
  readonly #modelled: KnownTokens = { current: "0", stale: "0" };
  /** The store's token for each of the model's: the tokens themselves may differ, their order and sameness may not. */
  readonly #tokens = new Map<string, string>();
  #record: R | undefined;
  #nowMs = START_MS;
  #highestToken = 0;
  #last: { readonly stored: LinkOp; readonly modelled: LinkOp } | undefined;

  constructor(subject: Subject<LinkStore>, model: LinkModel<R>) {
    this.#subject = subject;
    this.#model = model;
    this.#key = subject.uniqueKey();
  }

  async run(history: readonly LinkHistoryStep[]): Promise<void> {
    for (const [index, step] of history.entries()) {
      if (step.step === "advance") {
        await this.#subject.advance(step.ms);
        this.#nowMs += step.ms;
        continue;
      }
      const opId = `op${index}`;
      const ops =
        step.step === "repeat"
          ? this.#last
          : {
              stored: opOf(step.draft, this.#key, { tokens: this.#stored, opId }),
              modelled: opOf(step.draft, this.#key, { tokens: this.#modelled, opId }),
            };
      if (ops !== undefined) await this.#compare(ops);
    }
    await this.#compare({ stored: { kind: "get", ...this.#key }, modelled: { kind: "get", ...this.#key } });
  }

  async #compare(ops: { readonly stored: LinkOp; readonly modelled: LinkOp }): Promise<void> {
    const { stored, modelled } = ops;
    if (stored.kind !== "get") this.#last = ops;
    const answer = await this.#subject.store.execute(stored);
    const step = this.#model(this.#record, modelled, {
      nowMs: this.#nowMs,
      nowUs: this.#nowMs * 1000,
      highestToken: this.#highestToken,
      opId: "none",
      ownedTtlMs: OWNED_TTL_MS,
    });
    this.#record = step.record;
    const expectedLinks = linksIn(step.result);
    const links = linksIn(answer);
    // The oldest first: previous, then the link that holds now.
    for (let index = expectedLinks.length - 1; index >= 0; index -= 1) {
      this.#pair(expectedLinks[index], links[index]);
    }
    expect(answer, JSON.stringify(stored)).toEqual(this.#translated(step.result));
  }

  /** Notes which token of the store stands for which of the model, and that it is above all before it. */
  #pair(modelled: Link | undefined, stored: Link | undefined): void {
    if (modelled === undefined || stored === undefined || this.#tokens.has(modelled.token)) return;
    expect(Number(stored.token), "a new token").toBeGreaterThan(Number(this.#stored.current));
    this.#tokens.set(modelled.token, stored.token);
    this.#highestToken = Math.max(this.#highestToken, Number(modelled.token));
    for (const [known, { token }] of [
      [this.#stored, stored],
      [this.#modelled, modelled],
    ] as const) {
      known.stale = known.current;
      known.current = token;
    }
  }

  /** The model's answer in the store's tokens. */
  #translated(result: ResultOf<LinkOp>): unknown {
    return (
      JSON.parse(JSON.stringify(result ?? null), (name, value: unknown) =>
        name === "token" ? this.#tokens.get(value as string) : value,
      ) ?? undefined
    );
  }
}
