import type { CertainPods, LinkCache, PodView } from "@podlink/state-cache";
import type { CallOptions, Link, Subscription } from "@podlink/types";
import { Listeners, RouteError } from "@podlink/types";
import { checkLink } from "./check-link.ts";
import type { PodEnd } from "./pod-endings.ts";
import type { ServiceLinks } from "./service-links.ts";
import type { ServiceStatus } from "./service-status.ts";
import type { Target } from "./target.ts";
import { targetOf } from "./target.ts";

export interface ServiceHandleParts {
  readonly namespace: string;
  readonly service: string;
  readonly links: ServiceLinks;
  /** The successor of links that are retired. */
  readonly renew: (retired: ServiceLinks) => ServiceLinks;
  /** Called for every request that a pod refused as misdirected. */
  readonly onMisdirected: () => void;
}

/** A service as callers use it. Made by {@link ClientDriver.service}; cheap to keep, valid until the driver is closed. */
export class ServiceHandle {
  readonly namespace: string;
  readonly service: string;
  readonly #renew: (retired: ServiceLinks) => ServiceLinks;
  #kept!: ServiceLinks;
  // Of the links that are kept: every peek looks at them first.
  #cache!: LinkCache;
  #certain!: CertainPods;
  readonly #onMisdirected: () => void;
  readonly #podEnds = new Listeners<PodEnd>();
  #hearsPodEnds = false;

  constructor(parts: ServiceHandleParts) {
    this.namespace = parts.namespace;
    this.service = parts.service;
    this.#keep(parts.links);
    this.#renew = parts.renew;
    this.#onMisdirected = parts.onMisdirected;
  }

  /** Subscribes to the service's pods and reads them once. Optional: the first call does it. Rejects while the store is down. */
  init(call: CallOptions = {}): Promise<void> {
    return this.#links.wait(() => this.#links.routes.init(call), { ...call, what: "init" });
  }

  /** The pod that serves the uid, from the cache alone: no I/O, no allocation. Undefined: not cached, or its pod is gone. */
  peek(uid: string): number | undefined {
    return this.#cache.peekCertain(uid, this.#certain) ?? this.#kept.peek(uid); // retired ones have none
  }

  /**
   * The link of the uid, whose pod is available; made for the best pod if there is none, moved if its pod is gone.
   * @throws RouteError INVALID_ARGUMENT, SERVICE_NOT_FOUND, NO_ROUTABLE_POD, POD_UNAVAILABLE, STORE_UNAVAILABLE, TIMEOUT,
   * CANCELLED, CORRUPT, CLOSED
   */
  resolve(uid: string, call?: CallOptions): Promise<Link> {
    return this.#links.resolve(uid, call);
  }

  /** Drops the link from the cache, and what is being asked about it. The link that was cached. */
  forget(uid: string): Link | undefined {
    return this.#links.forget(uid);
  }

  /**
   * {@link target} without a promise, for a uid whose link is cached and whose pod is available for certain: no I/O. Counted and observed as that is.
   * Undefined: only `target` can tell, and nothing was counted. Never throws.
   */
  peekTarget(uid: string): Target | undefined {
    return this.#kept.peekTarget(uid); // retired ones have none
  }

  /** {@link resolve}, with the pod's address. @throws RouteError POD_UNAVAILABLE too when the pod reports no address. */
  target(uid: string, call?: CallOptions): Promise<Target> {
    // No async function: every request that is routed would pay for one more promise, and for what a pause takes.
    try {
      return this.#links.resolve(uid, call).then(this.#targetOf);
    } catch (error) {
      return Promise.reject(RouteError.from(error));
    }
  }

  /**
   * What a pod's 421 said of the target that it was sent to. With a link: that one is cached, even under a lower token when
   * the cached one named this very pod. Without: pods and link are read anew. Nothing was executed: send once more.
   * @throws RouteError as {@link target}
   */
  async misdirected(target: Target, link: Link | undefined, call: CallOptions = {}): Promise<Target> {
    const { uid } = target.link;
    const links = this.#links;
    this.#onMisdirected();
    const work = async (): Promise<Target> => {
      const named = link === undefined ? undefined : this.#linkOf(uid, link);
      if (named === undefined) {
        links.forget(uid);
        await links.refresh();
      } else {
        links.correct(named, target.podIndex);
        // A life of the pod that its row doesn't know: its address may have changed with it.
        if (!this.#knows(named)) await links.refresh();
      }
      return this.target(uid, call);
    };
    return links.wait(work, { ...call, what: "misdirected", outcome: "unknown" });
  }

  /** The pods as this caller sees them, goodbyes included, by pod index. */
  pods(): readonly PodView[] {
    return this.#links.routes.cache.pods();
  }

  /** The service and its pods as this caller sees them, and what becomes of their users: for people. Makes no call. */
  status(): ServiceStatus {
    return this.#links.status();
  }

  /**
   * Tells when a life of a pod is over for its callers: silent for its lease and the grace, so that its users may be moved;
   * gone with a goodbye, or Failed, for the grace; or followed by another life at another address. Makes no call.
   */
  onPodEnd(listener: (end: PodEnd) => void): Subscription {
    const links = this.#links;
    if (!this.#hearsPodEnds) this.#hearPodEnds(links);
    return this.#podEnds.add(listener);
  }

  get #links(): ServiceLinks {
    if (this.#kept.retired) {
      this.#keep(this.#renew(this.#kept));
      if (this.#hearsPodEnds && !this.#kept.retired) this.#hearPodEnds(this.#kept);
    }
    return this.#kept;
  }

  #keep(links: ServiceLinks): void {
    this.#kept = links;
    this.#cache = links.cache;
    this.#certain = links.routes.cache.certainPods;
  }

  #hearPodEnds(links: ServiceLinks): void {
    this.#hearsPodEnds = true;
    links.endings.listen((end) => this.#podEnds.emit(end));
  }

  /** The link of a 421, if it is one of this uid here; a pod that answers anything else is not believed. */
  #linkOf(uid: string, link: Link): Link | undefined {
    const checked = checkLink(link);
    const ours = checked.namespace === this.namespace && checked.service === this.service && checked.uid === uid;
    return ours ? checked : undefined;
  }

  #knows(link: Link): boolean {
    const incarnation = this.#links.routes.cache.row(link.podIndex)?.incarnation;
    return incarnation !== undefined && incarnation >= (link.incarnation ?? incarnation);
  }

  readonly #targetOf = (link: Link): Target => {
    const row = this.#links.routes.cache.row(link.podIndex);
    if (row?.address === undefined) {
      throw new RouteError("POD_UNAVAILABLE", `${this.namespace}/${this.service} pod ${link.podIndex} has no address`);
    }
    return targetOf(link, row.incarnation, row.address);
  };
}
