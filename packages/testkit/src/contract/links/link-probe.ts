import type {
  Expected,
  Lifetime,
  Link,
  LinkKey,
  LinkStore,
  Owner,
  RemoveResult,
  RenewResult,
  ReplaceResult,
  SetIfAbsentResult,
  SetResult,
  TrySetResult,
} from "@podlink/types";
import type { Subject } from "../subject.ts";

/** A lifetime that no test outlives by accident. */
export const TTL_MS = 60_000;
export const TTL: Lifetime = { ttlMs: TTL_MS };

export const EARLIER = 1_000_100;
export const LATER = 1_000_200;

/** A pod by its index (a reservation for it) or by index and incarnation (the pod itself). */
export function pod(podIndex: number, incarnation?: number): Owner {
  return incarnation === undefined ? { podIndex } : { podIndex, incarnation };
}

interface OpId {
  readonly opId?: string;
}

/** One link of one test, with the operations as short calls. */
export class LinkProbe {
  readonly key: LinkKey;
  readonly #store: LinkStore;

  constructor(store: LinkStore, key: LinkKey) {
    this.#store = store;
    this.key = key;
  }

  get(): Promise<Link | undefined> {
    return this.#store.execute({ kind: "get", ...this.key });
  }
  set(owner: Owner, lifetime: Lifetime, rest: OpId = {}): Promise<SetResult> {
    return this.#store.execute({ kind: "set", ...this.key, owner, lifetime, ...rest });
  }
  trySet(owner: Owner, lifetime: Lifetime, rest: OpId = {}): Promise<TrySetResult> {
    return this.#store.execute({ kind: "trySet", ...this.key, owner, lifetime, ...rest });
  }
  setIfAbsent(
    owner: Owner,
    lifetime: Lifetime,
    rest: OpId & { readonly renew?: boolean } = {},
  ): Promise<SetIfAbsentResult> {
    return this.#store.execute({ kind: "setIfAbsent", ...this.key, owner, lifetime, ...rest });
  }
  replace(
    expectedToken: string,
    { owner, lifetime, ...rest }: OpId & { readonly owner: Owner; readonly lifetime: Lifetime },
  ): Promise<ReplaceResult> {
    return this.#store.execute({ kind: "replace", ...this.key, expectedToken, owner, lifetime, ...rest });
  }
  renew(expected: Expected, lifetime: Lifetime, rest: OpId = {}): Promise<RenewResult> {
    return this.#store.execute({ kind: "renew", ...this.key, expected, lifetime, ...rest });
  }
  remove(graceMs: number, rest: OpId & { readonly expected?: Expected } = {}): Promise<RemoveResult> {
    return this.#store.execute({ kind: "remove", ...this.key, graceMs, ...rest });
  }

  /** Makes the link as a test needs it, whatever was there. */
  async given(owner: Owner, lifetime: Lifetime): Promise<Link> {
    const result = await this.set(owner, lifetime);
    if ("superseded" in result) throw new Error("the link could not be made");
    return result.link;
  }

  /** An owned link that its pod released with a grace. */
  async givenGoodbye(podIndex: number, incarnation: number, graceMs: number = TTL_MS): Promise<Link> {
    await this.given(pod(podIndex, incarnation), "persistent");
    await this.remove(graceMs);
    const link = await this.get();
    if (link === undefined) throw new Error("the goodbye could not be made");
    return link;
  }
}

/** The probe of a link that no other test knows. */
export function probeLink(subject: Subject<LinkStore>): LinkProbe {
  return new LinkProbe(subject.store, subject.uniqueKey());
}
