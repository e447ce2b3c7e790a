import type { Link, LinkKey, LinkOp, ResultOf } from "@podlink/types";
import { refuse } from "@podlink/types";
import { applyLinkOp } from "./apply-link-op.ts";
import { BoundedSweep } from "./bounded-sweep.ts";
import type { LinkRecord } from "./link-record.ts";
import { linkOf, liveAt } from "./link-record.ts";
import type { LinkContext, LinkTaken } from "./link-step.ts";
import { highestBelievedToken } from "./link-step.ts";
import { OpIds } from "./op-ids.ts";

/** The most services that one uid may have live links of. */
const MAX_SERVICES = 128;

export interface LinksOptions {
  readonly ownedTtlMs: number;
  /** Hears of each owned link that now names another pod. */
  readonly onTaken: (key: LinkKey, taken: LinkTaken) => void;
}

/** The records of all links: for each uid of a namespace its services. */
export class Links {
  readonly #options: LinksOptions;
  readonly #uids = new Map<string, Map<string, LinkRecord>>();
  readonly #opIds = new OpIds();
  readonly #sweep = new BoundedSweep(this.#uids, (key, services, nowMs) => {
    dropExpired(services, nowMs);
    if (services.size === 0) this.#uids.delete(key);
  });
  #highestToken = 0;
  /** How many operations there were. */
  operations = 0;
  /** How many tokens were found more than a day ahead, and did not count as the highest. */
  tokensIgnored = 0;

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  /** How many uids have a record, those not yet swept included. */
  get uids(): number {
    return this.#uids.size;
  }

  /** Carries out a checked operation at one moment. */
  execute<O extends LinkOp>(op: O, nowMs: number): ResultOf<O> {
    this.operations += 1;
    const key = keyOf(op.namespace, op.uid);
    const services = this.#uids.get(key);
    const record = services?.get(op.service);
    const step = applyLinkOp(record, op, this.#context(nowMs));
    if (step.record !== record) {
      this.#write(key, op, step.record, nowMs);
      if (step.taken !== undefined) this.#options.onTaken(op, step.taken);
    }
    if (op.kind !== "get") this.#sweep.afterWrite(nowMs);
    return step.result;
  }

  /** All live links of a uid, by service. */
  servicesOf(namespace: string, uid: string, nowMs: number): Map<string, Link> {
    const links = new Map<string, Link>();
    for (const [service, record] of this.#uids.get(keyOf(namespace, uid)) ?? []) {
      if (liveAt(record, nowMs) === undefined) continue;
      links.set(service, linkOf({ namespace, service, uid }, record, nowMs));
    }
    return links;
  }

  /** Forgets every record. The highest token stays: the executor has seen it. */
  clear(): void {
    this.#uids.clear();
  }

  #write(key: string, op: LinkKey, record: LinkRecord | undefined, nowMs: number): void {
    let services = this.#uids.get(key);
    if (record === undefined) {
      services?.delete(op.service);
      if (services?.size === 0) this.#uids.delete(key);
      return;
    }
    if (services === undefined) this.#uids.set(key, (services = new Map()));
    else if (!services.has(op.service)) makeRoom(services, op.service, nowMs);
    services.set(op.service, record);
    this.#see(record.token, nowMs);
  }

  #see(token: number, nowMs: number): void {
    if (token > highestBelievedToken(nowMs * 1000)) this.tokensIgnored += 1;
    else if (token > this.#highestToken) this.#highestToken = token;
  }

  #context(nowMs: number): LinkContext {
    return {
      nowMs,
      nowUs: nowMs * 1000,
      highestToken: this.#highestToken,
      opId: this.#opIds.next(),
      ownedTtlMs: this.#options.ownedTtlMs,
    };
  }
}

// A namespace has no "/", so no two pairs share a key.
function keyOf(namespace: string, uid: string): string {
  return `${namespace}/${uid}`;
}

function makeRoom(services: Map<string, LinkRecord>, service: string, nowMs: number): void {
  if (services.size < MAX_SERVICES) return;
  dropExpired(services, nowMs);
  if (services.size >= MAX_SERVICES) refuse("service", `one of at most ${MAX_SERVICES} services of a uid`, service);
}

function dropExpired(services: Map<string, LinkRecord>, nowMs: number): void {
  for (const [service, record] of services) {
    if (liveAt(record, nowMs) === undefined) services.delete(service);
  }
}
