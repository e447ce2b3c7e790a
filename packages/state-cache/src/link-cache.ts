import type { Clock, Figures, Link, MetricsSource, Subscription } from "@podlink/types";
import { bucketOf, parseOptions, systemClock } from "@podlink/types";
import type { CertainPods } from "./availability.ts";
import { CoarseClock } from "./coarse-clock.ts";
import { HotLinks } from "./hot-links.ts";
import { LinkSlots } from "./link-slots.ts";
import type { LinkCacheOptions } from "./options.ts";
import { linkCacheOptions } from "./options.ts";

/** Entries live for so much of what they could, so that they are asked for again before they are wrong. */
const SHARE_OF_LIFE = 0.8;
/** Deletions are remembered by so many groups of uids: two that share a group only drop a fill too many. */
const DELETION_GROUPS = 1024;

/** What a link cache is for, and what it runs on. */
export interface LinkCachePorts {
  readonly namespace: string;
  readonly service: string;
  readonly clock?: Clock;
  /** Shared with other caches. Absent: one of its own. */
  readonly coarse?: CoarseClock;
}

/** A look-up of a link in the store that is under way. */
export interface Fill {
  /**
   * Caches the answer. Returns false, and does nothing, when the uid was deleted since the fill began: what was read
   * before may be what was deleted.
   */
  set(link: Link, options?: SetOptions): boolean;
}

export interface SetOptions {
  /** The link was given by the very pod that the cached one names: it replaces a higher token too. Default false. */
  readonly authoritative?: boolean;
}

/**
 * The links of one service that a caller has seen: bounded, each for a while. A uid maps to a slot of typed arrays; the
 * entry that goes when the cache is full is found by SIEVE over the map's own order.
 * (Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024.)
 */
export class LinkCache implements MetricsSource {
  readonly namespace: string;
  readonly service: string;
  readonly #coarse: CoarseClock;
  readonly #use: Subscription;
  readonly #lifeMs: number;
  readonly #maxLinks: number;
  readonly #slotOf = new Map<string, number>();
  readonly #slots = new LinkSlots();
  readonly #hot: HotLinks;
  readonly #deletions = new Uint32Array(DELETION_GROUPS);
  #hand: MapIterator<[string, number]> | undefined;
  #hits = 0;
  #misses = 0;
  #evictions = 0;
  #expirations = 0;
  #droppedFills = 0;

  /** @throws RouteError CONFIG */
  constructor(ports: LinkCachePorts, options: LinkCacheOptions = {}) {
    const settings = parseOptions(linkCacheOptions, options, "linkCache");
    this.namespace = ports.namespace;
    this.service = ports.service;
    this.#coarse = ports.coarse ?? new CoarseClock(ports.clock ?? systemClock);
    this.#use = this.#coarse.use();
    this.#lifeMs = settings.linkInfoCacheTimeSecs * 1000;
    this.#maxLinks = settings.maxCachedLinks;
    this.#hot = new HotLinks(Math.min(settings.hotEntries, settings.maxCachedLinks));
  }

  /** Entries, expired ones that nothing replaced yet included. */
  get size(): number {
    return this.#slotOf.size;
  }

  /** The slot of a live entry, until the next change: what it holds is read without another look-up. Undefined: none. */
  slotOf(uid: string): number | undefined {
    const slot = this.#slotOf.get(uid);
    if (slot === undefined || this.#slots.expiresAtMs[slot]! <= this.#coarse.nowMs) {
      this.#misses += 1;
      return undefined;
    }
    this.#slots.use(slot);
    this.#hits += 1;
    return slot;
  }

  /** The pod index of the entry in a slot. */
  podIndexAt(slot: number): number {
    return this.#slots.podIndexOf(slot);
  }

  /** A promise of the link in a slot, kept with it: waiting for it makes no other. */
  promiseAt(slot: number, uid: string): Promise<Link> {
    const kept = this.#hot.promise(slot);
    if (kept !== undefined) return kept;
    const promise = Promise.resolve(this.#link(slot, uid));
    this.#hot.keepPromise(slot, promise);
    return promise;
  }

  /** The pod index of a live entry. No I/O, no call of a clock, no allocation. Undefined: none. */
  peek(uid: string): number | undefined {
    const slot = this.slotOf(uid);
    return slot === undefined ? undefined : this.#slots.podIndexOf(slot);
  }

  /**
   * {@link peek} for entries of pods that are certain: the shortest way, in one piece. Undefined: there is none, or its pod is
   * not certain; peek says which, and only that is counted.
   */
  peekCertain(uid: string, pods: CertainPods): number | undefined {
    const slot = this.#slotOf.get(uid);
    if (slot === undefined || this.#slots.expiresAtMs[slot]! <= this.#coarse.nowMs) return undefined;
    const podIndex = this.#slots.use(slot);
    if (pods.byIndex[podIndex] !== true) return undefined;
    this.#hits += 1;
    return podIndex;
  }

  /** The slot of a live entry of a certain pod, as {@link peekCertain} finds it. Undefined: none. Counts nothing before {@link hitAt}. */
  slotOfCertain(uid: string, pods: CertainPods): number | undefined {
    const slot = this.#slotOf.get(uid);
    if (slot === undefined || this.#slots.expiresAtMs[slot]! <= this.#coarse.nowMs) return undefined;
    return pods.byIndex[this.#slots.use(slot)] === true ? slot : undefined;
  }

  /** The link in a slot: a hit. */
  hitAt(slot: number, uid: string): Link {
    this.#hits += 1;
    return this.#link(slot, uid);
  }

  /** The link of a live entry; `expiresInMs` is as of the store's reply. Undefined: none. */
  get(uid: string): Link | undefined {
    const slot = this.slotOf(uid);
    return slot === undefined ? undefined : this.#link(slot, uid);
  }

  /** A promise of {@link get}'s link, kept with it: waiting for it makes no other. Undefined: none. */
  resolved(uid: string): Promise<Link> | undefined {
    const slot = this.slotOf(uid);
    return slot === undefined ? undefined : this.promiseAt(slot, uid);
  }

  /** The link of an entry that is live, or ended less than `staleForMs` ago: for while the store is down. Counts nothing. */
  getStale(uid: string, staleForMs: number): Link | undefined {
    const slot = this.#slotOf.get(uid);
    if (slot === undefined || this.#slots.expiresAtMs[slot]! + staleForMs <= this.#coarse.nowMs) return undefined;
    this.#slots.use(slot);
    return this.#link(slot, uid);
  }

  /**
   * Caches a link as of now, for the lesser of 80 % of linkInfoCacheTimeSecs and 80 % of what the link has left. A
   * lower token never replaces a live higher one, unless it is authoritative.
   * @returns the live link that was cached before. Undefined: none.
   */
  set(link: Link, options: SetOptions = {}): Link | undefined {
    const nowMs = this.#coarse.nowMs;
    const known = this.#slotOf.get(link.uid);
    const previous = this.#live(known, link.uid);
    if (known !== undefined && previous !== undefined) {
      if (options.authoritative !== true && Number(link.token) < this.#slots.tokens[known]!) return previous;
    }
    if (known !== undefined && previous === undefined) this.#expirations += 1;
    const slot = known ?? this.#newSlot(link.uid);
    this.#hot.drop(slot);
    const lifeMs = SHARE_OF_LIFE * Math.min(this.#lifeMs, link.expiresInMs ?? Number.POSITIVE_INFINITY);
    this.#slots.write(slot, link, nowMs + lifeMs);
    return previous;
  }

  /** Drops an entry, and the answer of every fill of the uid that is under way. Returns the live link that was cached. */
  delete(uid: string): Link | undefined {
    this.#deletions[bucketOf(uid, DELETION_GROUPS)]! += 1;
    const slot = this.#slotOf.get(uid);
    if (slot === undefined) return undefined;
    const previous = this.#live(slot, uid);
    if (previous === undefined) this.#expirations += 1;
    this.#remove(uid, slot);
    return previous;
  }

  /** To be called before the store is asked for the link of a uid. */
  beginFill(uid: string): Fill {
    const group = bucketOf(uid, DELETION_GROUPS);
    const deletions = this.#deletions[group];
    return {
      set: (link, options) => {
        if (this.#deletions[group] !== deletions) {
          this.#droppedFills += 1;
          return false;
        }
        this.set(link, options);
        return true;
      },
    };
  }

  /** Drops every entry and the answer of every fill that is under way. */
  clear(): void {
    for (const [uid, slot] of this.#slotOf) this.#remove(uid, slot);
    for (let group = 0; group < DELETION_GROUPS; group += 1) this.#deletions[group]! += 1;
  }

  read(): Figures {
    return {
      size: this.size,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
      expirations: this.#expirations,
      droppedFills: this.#droppedFills,
    };
  }

  /** Lets go of the coarse clock. Idempotent. */
  close(): void {
    this.#use.close();
  }

  #link(slot: number, uid: string): Link {
    const kept = this.#hot.get(slot);
    if (kept !== undefined) return kept;
    const link = this.#slots.link(slot, { namespace: this.namespace, service: this.service, uid });
    this.#hot.keep(slot, link);
    return link;
  }

  #live(slot: number | undefined, uid: string): Link | undefined {
    if (slot === undefined || this.#slots.expiresAtMs[slot]! <= this.#coarse.nowMs) return undefined;
    return this.#hot.get(slot) ?? this.#slots.link(slot, { namespace: this.namespace, service: this.service, uid });
  }

  #newSlot(uid: string): number {
    if (this.size === this.#maxLinks) this.#evict();
    const slot = this.#slots.take(this.#maxLinks);
    this.#slotOf.set(uid, slot);
    return slot;
  }

  /** The hand goes from the oldest entry to the newest and spares, once, what was used since it passed. */
  #evict(): void {
    for (;;) {
      this.#hand ??= this.#slotOf.entries();
      const { value, done } = this.#hand.next();
      if (done === true) {
        this.#hand = undefined;
        continue;
      }
      const [uid, slot] = value;
      const expired = this.#slots.expiresAtMs[slot]! <= this.#coarse.nowMs;
      if (!expired && this.#slots.isUsed(slot)) {
        this.#slots.spare(slot);
        continue;
      }
      if (expired) this.#expirations += 1;
      else this.#evictions += 1;
      return this.#remove(uid, slot);
    }
  }

  #remove(uid: string, slot: number): void {
    this.#hot.drop(slot);
    this.#slots.giveBack(slot);
    this.#slotOf.delete(uid);
  }
}
