import { Listeners, makeLink, RouteError } from "@podlink/types";
import type { Link, PodAddress } from "@podlink/types";
import type { PodEnd, PodTarget, ServiceRoute } from "@podlink/http";

const NAMESPACE = "test";
const SERVICE = "room";

export function linkTo(uid: string, podIndex: number, token = "100"): Link {
  return makeLink({ namespace: NAMESPACE, service: SERVICE, uid, podIndex, incarnation: 1, token, kind: "owned" });
}

/** A service whose links and pods are a table: what a caller believes, right or wrong. */
export class TableRoute implements ServiceRoute {
  readonly namespace = NAMESPACE;
  readonly service = SERVICE;
  readonly addresses = new Map<number, PodAddress>();
  readonly incarnations = new Map<number, number>();
  /** Whom the caller believes to hold a uid; pod 0 when nothing is said. */
  readonly believed = new Map<string, Link>();
  /** What each 421 said. */
  readonly refusals: { readonly podIndex: number; readonly link: Link | undefined }[] = [];
  /** Where a 421 without a link leads. */
  afterNotMe = 0;
  failure: RouteError | undefined;
  asked = 0;
  /** Whether what is believed is certain: told at once to whoever peeks. */
  isCertain = false;
  readonly podEnds = new Listeners<PodEnd>();

  peekTarget(uid: string): PodTarget | undefined {
    const link = this.believed.get(uid);
    return this.isCertain && link !== undefined ? this.#targetOf(link) : undefined;
  }

  target(uid: string): Promise<PodTarget> {
    this.asked += 1;
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return Promise.resolve(this.#targetOf(this.believed.get(uid) ?? linkTo(uid, 0)));
  }

  misdirected(target: PodTarget, link: Link | undefined): Promise<PodTarget> {
    this.refusals.push({ podIndex: target.podIndex, link });
    const winner = link ?? linkTo(target.link.uid, this.afterNotMe, "200");
    this.believed.set(winner.uid, winner);
    return Promise.resolve(this.#targetOf(winner));
  }

  onPodEnd(listener: (end: PodEnd) => void): ReturnType<ServiceRoute["onPodEnd"]> {
    return this.podEnds.add(listener);
  }

  pods(): ReturnType<ServiceRoute["pods"]> {
    return Array.from(this.addresses.keys(), (podIndex) => ({
      row: { podIndex, incarnation: this.incarnations.get(podIndex) ?? 1 },
      goodbye: false,
    }));
  }

  #targetOf(link: Link): PodTarget {
    const { podIndex } = link;
    const address = this.addresses.get(podIndex);
    if (address === undefined) throw new RouteError("POD_UNAVAILABLE", `pod ${podIndex} has no address`);
    return { link, podIndex, incarnation: this.incarnations.get(podIndex) ?? 1, address };
  }
}
