import { randomBytes } from "node:crypto";
import type { Link, LinkKey, PodRegistry, StoreStatus } from "@podlink/types";
import { afterAll, beforeAll, describe, expect } from "vitest";
import type { MakeStore, StoreCapabilities, StoreHarness } from "./harness.ts";

const ALL_CAPABILITIES: StoreCapabilities = {
  exactTime: true,
  jumpsDays: true,
  pushes: true,
};

/** How much later than asked an inexact store may look, in milliseconds. */
const TOLERANCE_MS = 2000;

/** The store of a running suite, and names that no other test uses. */
export class Subject<S> {
  readonly #run = randomBytes(5).toString("hex");
  #harness: StoreHarness<S> | undefined;
  #second: Promise<S> | undefined;
  #names = 0;

  async open(makeStore: MakeStore<S>): Promise<void> {
    this.#harness = await makeStore();
  }

  async release(): Promise<void> {
    const harness = this.#harness;
    this.#harness = undefined;
    if (harness === undefined) return;
    if (harness.release !== undefined) return harness.release();
    for (const store of [await this.#second, harness.store])
      await (store as Partial<StoreStatus> | undefined)?.close?.();
  }

  get harness(): StoreHarness<S> {
    if (this.#harness === undefined) throw new Error("the suite has not begun");
    return this.#harness;
  }

  get store(): S {
    return this.harness.store;
  }

  /** Another executor over the same data: a second process. The same one where the harness has no other. */
  second(): Promise<S> {
    this.#second ??= this.harness.another?.() ?? Promise.resolve(this.store);
    return this.#second;
  }

  get registry(): PodRegistry {
    return this.harness.registry ?? (this.harness.store as unknown as PodRegistry);
  }

  get namespace(): string {
    return this.harness.namespaces?.[0] ?? "contract";
  }

  get otherNamespace(): string {
    return this.harness.namespaces?.[1] ?? "contract-2";
  }

  advance(ms: number): Promise<void> {
    return this.harness.advance(ms);
  }

  can(capability: keyof StoreCapabilities): boolean {
    return { ...ALL_CAPABILITIES, ...this.harness.capabilities }[capability];
  }

  /** A name that can be a service, a uid or a tag. */
  uniqueName(): string {
    this.#names += 1;
    return `t-${this.#run}-${this.#names}`;
  }

  uniqueKey(): LinkKey {
    return { namespace: this.namespace, service: this.uniqueName(), uid: this.uniqueName() };
  }

  /** The link is temporary and ends in `ms`, as exactly as the store can tell. */
  expectExpiresIn(link: Link | undefined, ms: number): void {
    const left = link?.expiresInMs ?? Number.NaN;
    if (this.can("exactTime")) expect(left).toBe(ms);
    else expect(ms - left).toSatisfy((late: number) => late >= 0 && late <= TOLERANCE_MS);
  }
}

/** One suite over one store. */
export function describeStore<S>(name: string, makeStore: MakeStore<S>, tests: (subject: Subject<S>) => void): void {
  describe(name, () => {
    const subject = new Subject<S>();
    beforeAll(() => subject.open(makeStore));
    afterAll(() => subject.release());
    tests(subject);
  });
}
