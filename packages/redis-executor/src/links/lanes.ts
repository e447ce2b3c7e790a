import { bucketOf, encodeKeyPart, linkKey, serviceKey } from "@podlink/types";

/** How many lanes are kept; then all are forgotten, and made again as they are needed. */
const MAX_LANES = 1024;

/** Where the links of some uids of a namespace are. */
interface Bucket {
  /** What their keys begin with: all but the uid. */
  readonly head: string;
  /** Those of one group may travel together. */
  readonly group: number;
}

/** The buckets of a namespace, each found with its first uid. */
class Buckets {
  readonly #of: (uid: string) => Bucket;
  readonly #known: (Bucket | undefined)[];

  constructor(linkBuckets: number, of: (uid: string) => Bucket) {
    this.#of = of;
    this.#known = Array.from({ length: linkBuckets }, () => undefined);
  }

  with(uid: string): Bucket {
    const index = bucketOf(uid, this.#known.length);
    return (this.#known[index] ??= this.#of(uid));
  }
}

/** What the operations on the links of one service share: found once, so that an operation builds no text but its key. */
export class LinkLane {
  readonly namespace: string;
  readonly service: string;
  /** Where owners hear of links taken from them: this and their index. */
  readonly channel: string;
  readonly #buckets: Buckets;

  constructor(buckets: Buckets, name: { readonly namespace: string; readonly service: string }, channel: string) {
    this.#buckets = buckets;
    this.namespace = name.namespace;
    this.service = name.service;
    this.channel = channel;
  }

  /** The key of all links of a uid, and who it may travel with. */
  placeOf(uid: string): { readonly key: string; readonly group: number } {
    const { head, group } = this.#buckets.with(uid);
    return { key: head + encodeKeyPart(uid), group };
  }
}

export interface LinkLanesOptions {
  /** What every key begins with. */
  readonly prefix: string;
  readonly linkBuckets: number;
  /** The same number for keys that may travel together: those of one bucket always may. */
  readonly groupOf: (key: string) => number;
}

/** The lanes of one namespace. */
interface NamespaceLanes {
  readonly buckets: Buckets;
  readonly services: Map<string, LinkLane>;
}

/** All lanes, by name. */
export class LinkLanes {
  readonly #options: LinkLanesOptions;
  readonly #namespaces = new Map<string, NamespaceLanes>();
  #count = 0;
  /** Asked for again and again, as a rule. */
  #last: LinkLane | undefined;

  constructor(options: LinkLanesOptions) {
    this.#options = options;
  }

  of(namespace: string, service: string): LinkLane {
    const last = this.#last;
    if (last?.service === service && last.namespace === namespace) return last;
    const lane = this.#namespaces.get(namespace)?.services.get(service) ?? this.#make(namespace, service);
    this.#last = lane;
    return lane;
  }

  #make(namespace: string, service: string): LinkLane {
    if (this.#count === MAX_LANES) {
      this.#namespaces.clear();
      this.#count = 0;
    }
    let lanes = this.#namespaces.get(namespace);
    if (lanes === undefined) {
      const buckets = new Buckets(this.#options.linkBuckets, (uid) => this.#bucketWith(namespace, uid));
      lanes = { buckets, services: new Map() };
      this.#namespaces.set(namespace, lanes);
    }
    const channel = serviceKey(this.#options.prefix, namespace, service, "events");
    const lane = new LinkLane(lanes.buckets, { namespace, service }, channel);
    lanes.services.set(service, lane);
    this.#count += 1;
    return lane;
  }

  #bucketWith(namespace: string, uid: string): Bucket {
    const { prefix, linkBuckets, groupOf } = this.#options;
    const key = linkKey(prefix, namespace, uid, linkBuckets);
    return { head: key.slice(0, key.indexOf("}") + 1), group: groupOf(key) };
  }
}
