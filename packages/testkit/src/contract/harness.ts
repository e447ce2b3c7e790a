import type { PodRegistry, Store } from "@podlink/types";

/** What the suites need of a store: the store itself and a hand on its time. */
export interface StoreHarness<S = Store> {
  readonly store: S;
  /** Moves the store's time forward; what expires in between is expired when it resolves. May really wait. */
  advance(ms: number): Promise<void>;
  /** Where pods register that the store shows. Absent: the store itself is that. */
  readonly registry?: PodRegistry;
  /** Another executor over the same data, as a second process has it. Absent: the same store is used twice. */
  another?(): Promise<S>;
  /** Loses all data, as a server does that comes back empty. Absent: what depends on it is skipped. */
  flushAll?(): Promise<void>;
  /** Two namespaces that the suites may write to. Default: "contract" and "contract-2". */
  readonly namespaces?: readonly [string, string];
  /** How long the store keeps a persistent link that nobody renews. Default 7 days, as a store's default is. */
  readonly ownedTtlMs?: number;
  readonly capabilities?: Partial<StoreCapabilities>;
  /** Ends what the harness made, `another` included. Absent: the stores are closed. */
  release?(): Promise<void>;
}

/** What a store, or its harness, may be unable to do: declared, and shown as skipped tests. */
export interface StoreCapabilities {
  /** Nothing but `advance` moves the store's time, and it moves it exactly: boundaries can be tested. Default true. */
  readonly exactTime: boolean;
  /** `advance` can jump over days. Default true. */
  readonly jumpsDays: boolean;
  /** Lost-link notices and pod events arrive when nothing is disturbed. Default true. */
  readonly pushes: boolean;
}

/** Makes a store for one suite. Data of others may be there: names are unique to each test. */
export type MakeStore<S = Store> = () => Promise<StoreHarness<S>>;
