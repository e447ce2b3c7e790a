import type { Lifetime, Link, LinkKey, Owner } from "./link.ts";
import type { RemoveResult, ReplaceResult, SetIfAbsentResult, SetResult, TrySetResult } from "./link-op.ts";
import type { PodRow, WorkloadState } from "./pod.ts";
import type { CallOptions } from "./ports/call-options.ts";
import type { LinkStore } from "./ports/link-store.ts";
import type { RemoteStore } from "./ports/store.ts";
import { checkItems } from "./values.ts";

/** The link operations by name: thin functions over {@link LinkStore.execute}. */
export interface NamedOperations {
  setLinkedPod(key: LinkKey, owner: Owner, lifetime: Lifetime, call?: CallOptions): Promise<SetResult>;
  trySetLinkedPod(key: LinkKey, owner: Owner, lifetime: Lifetime, call?: CallOptions): Promise<TrySetResult>;
  setLinkedPodIfAbsent(key: LinkKey, owner: Owner, lifetime: Lifetime, call?: CallOptions): Promise<SetIfAbsentResult>;
  /** Names the owner when the link still has the token, or there is none. */
  replaceLinkedPod(
    key: LinkKey,
    expectedToken: string,
    owner: Owner,
    lifetime: Lifetime,
    call?: CallOptions,
  ): Promise<ReplaceResult>;
  getLinkedPod(key: LinkKey, call?: CallOptions): Promise<Link | undefined>;
  /** The link when it is persistent; a reservation or goodbye that expires counts as none. */
  getLinkedPodIfPersist(key: LinkKey, call?: CallOptions): Promise<Link | undefined>;
  /** Who of up to 10,000 uids is linked to which pod; uids without a live link are left out. */
  batchGetLinkedPod(
    namespace: string,
    service: string,
    uids: readonly string[],
    call?: CallOptions,
  ): Promise<Map<number, string[]>>;
  /** Ends the link after `graceMs`, whoever holds it. 0: at once. */
  removeLinkedPod(key: LinkKey, graceMs: number, call?: CallOptions): Promise<RemoveResult>;
  /** The same, only while the link names `podIndex`. */
  removeLinkedPodWithId(key: LinkKey, podIndex: number, graceMs: number, call?: CallOptions): Promise<RemoveResult>;
  /** All live links of a uid, by service. */
  getLinkService(namespace: string, uid: string, call?: CallOptions): Promise<Map<string, Link>>;
  /** All pods of a service, goodbyes included. */
  getServiceState(namespace: string, service: string, call?: CallOptions): Promise<readonly PodRow[]>;
  getWorkloadState(namespace: string, service: string, call?: CallOptions): Promise<WorkloadState | undefined>;
  batchGetWorkloadState(
    namespace: string,
    services: readonly string[],
    call?: CallOptions,
  ): Promise<Map<string, WorkloadState>>;
}

/** A store with the operations by name. Pods write their service state through {@link PodRegistry.register} and `report`. */
export type StatefulExecutor<S extends RemoteStore = RemoteStore> = S & NamedOperations;

/** The operations by name over any store. */
export function namedOperations(store: RemoteStore): NamedOperations {
  const getLinkedPod = (key: LinkKey, call?: CallOptions): Promise<Link | undefined> =>
    store.execute({ kind: "get", ...nameOf(key) }, call);
  return {
    setLinkedPod: (key, owner, lifetime, call) => store.execute({ kind: "set", ...nameOf(key), owner, lifetime }, call),
    trySetLinkedPod: (key, owner, lifetime, call) =>
      store.execute({ kind: "trySet", ...nameOf(key), owner, lifetime }, call),
    setLinkedPodIfAbsent: (key, owner, lifetime, call) =>
      store.execute({ kind: "setIfAbsent", ...nameOf(key), owner, lifetime }, call),
    replaceLinkedPod: (key, expectedToken, owner, lifetime, call) =>
      store.execute({ kind: "replace", ...nameOf(key), expectedToken, owner, lifetime }, call),
    getLinkedPod,
    getLinkedPodIfPersist: async (key, call) => {
      const link = await getLinkedPod(key, call);
      return link?.expiresInMs === undefined ? link : undefined;
    },
    batchGetLinkedPod: (namespace, service, uids, call) => store.podsOf(namespace, service, uids, call),
    removeLinkedPod: (key, graceMs, call) => store.execute({ kind: "remove", ...nameOf(key), graceMs }, call),
    removeLinkedPodWithId: (key, podIndex, graceMs, call) =>
      store.execute({ kind: "remove", ...nameOf(key), graceMs, expected: { podIndex } }, call),
    getLinkService: (namespace, uid, call) => store.servicesOf(namespace, uid, call),
    getServiceState: async (namespace, service, call) => (await store.readPods(namespace, service, call)).rows,
    getWorkloadState: async (namespace, service, call) =>
      (await store.workloadStates(namespace, [service], call)).get(service),
    batchGetWorkloadState: (namespace, services, call) => store.workloadStates(namespace, services, call),
  };
}

/** Who of up to 10,000 uids is linked to which pod; uids without a live link are left out. Rejects with the first error. */
export async function batchGetLinkedPod(
  links: Pick<LinkStore, "executeAll">,
  asked: { readonly namespace: string; readonly service: string; readonly uids: readonly string[] },
  call?: CallOptions,
): Promise<Map<number, string[]>> {
  const { namespace, service, uids } = asked;
  checkItems(uids, "uids");
  const ops = Array.from(new Set(uids), (uid) => ({ kind: "get", namespace, service, uid }) as const);
  const answers = await links.executeAll(ops, call);
  const byPod = new Map<number, string[]>();
  for (const answer of answers) {
    if ("error" in answer) throw answer.error;
    if (answer.value === undefined) continue;
    const { podIndex, uid } = answer.value;
    const linked = byPod.get(podIndex);
    if (linked === undefined) byPod.set(podIndex, [uid]);
    else linked.push(uid);
  }
  return byPod;
}

// A link, too, may be passed as the key: only its name goes into the operation.
function nameOf({ namespace, service, uid }: LinkKey): LinkKey {
  return { namespace, service, uid };
}
