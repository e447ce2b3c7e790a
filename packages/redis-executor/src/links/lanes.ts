import { linkKey, serviceKey } from "@podlink/types";

/** How many lanes are kept; then all are forgotten, and made again as they are needed. */
const MAX_LANES = 1024;

/** What the operations on the links of one service share: found once, so that an operation builds no text but its key. */
export class LinkLane {
  readonly namespace: string;
  readonly service: string;
  /** Where owners hear of links taken from them: this and their index. */
  readonly channel: string;

  constructor(prefix: string, namespace: string, service: string) {
    this.namespace = namespace;
    this.service = service;
    this.channel = serviceKey(prefix, namespace, service, "events");
  }
}

/** All lanes, by name. */
export class LinkLanes {
  readonly #prefix: string;
  readonly #linkBuckets: number;
  readonly #namespaces = new Map<string, Map<string, LinkLane>>();
  #count = 0;

  constructor(prefix: string, linkBuckets: number) {
    this.#prefix = prefix;
    this.#linkBuckets = linkBuckets;
  }

  of(namespace: string, service: string): LinkLane {
    let services = this.#namespaces.get(namespace);
    const found = services?.get(service);
    if (found !== undefined) return found;
    if (this.#count === MAX_LANES) {
      this.#namespaces.clear();
      this.#count = 0;
      services = undefined;
    }
    if (services === undefined) this.#namespaces.set(namespace, (services = new Map()));
    const lane = new LinkLane(this.#prefix, namespace, service);
    services.set(service, lane);
    this.#count += 1;
    return lane;
  }

  keyOf(namespace: string, uid: string): string {
    return linkKey(this.#prefix, namespace, uid, this.#linkBuckets);
  }
}
