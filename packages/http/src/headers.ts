import type { Link, LinkKey, PodIdentity } from "@podlink/types";
import { checkToken, makeLink, MAX_POD_INDEX } from "@podlink/types";

/**
 * What travels between gateway and pod. Every name begins with `podlink-`, so that one rule strips them all from what
 * comes in from outside.
 */
export const WIRE = {
  /** To the pod: the uid, percent-encoded. */
  uid: "podlink-uid",
  /**
   * To the pod: which pod the sender means, how many gateways the request has passed, and the link's token, see {@link encodeRoute}. One header,
   * as each is checked and built into the head by itself. The one that is read from outside too, for how many gateways.
   */
  route: "podlink-route",
  /** From a pod that refuses: why. */
  refused: "podlink-refused",
  /** From a pod that refuses with `held-by`: the link that holds. */
  link: "podlink-link",
  /** From the gateway to its caller: the index of the pod that answered. */
  pod: "podlink-pod",
} as const;

/** All of the above begin with it; nobody else's header does. */
export const WIRE_PREFIX = "podlink-";

/** The pod that a request means, as text. */
function encodeTarget(pod: PodIdentity): string {
  return `${pod.namespace}/${pod.service}/${pod.podIndex}.${pod.incarnation}`;
}

const TARGET = /^([a-z0-9-]{1,63})\/([a-z0-9-]{1,63})\/(\d{1,5})\.(\d{1,16})$/;

/** The pod that a request means. Absent: the text is none of ours. */
function decodeTarget(text: string): PodIdentity | undefined {
  const [, namespace, service, podIndex, incarnation] = TARGET.exec(text) ?? [];
  if (namespace === undefined || service === undefined) return undefined;
  const identity = { namespace, service, podIndex: Number(podIndex), incarnation: Number(incarnation) };
  return identity.podIndex <= MAX_POD_INDEX && Number.isSafeInteger(identity.incarnation) ? identity : undefined;
}

/** How a request comes to a pod, as its sender says. */
export interface SaidRoute {
  /** The pod that is meant. */
  readonly pod: PodIdentity;
  /** Of the link that the sender goes by. */
  readonly token: string;
  /** How many gateways the request has passed. */
  readonly hops: number;
}

/** A route as a header's value. */
export function encodeRoute({ pod, token, hops }: SaidRoute): string {
  return routeHead(pod, hops) + token;
}

/** All of a route but the token, which stands last: the same for all requests to a life of a pod, as a rule. */
export function routeHead(pod: PodIdentity, hops: number): string {
  return `pod=${encodeTarget(pod)}; hops=${hops}; token=`;
}

/** What a later version adds stands behind, and is none of our business. Routes that were joined have a comma. */
const ROUTE = /^pod=([^;]+); hops=(\d{1,6}); token=(\d{1,16})(?:; [^,]*)?$/;

/** How a request comes to a pod. Absent: the text is no route. */
export function decodeRoute(text: string): SaidRoute | undefined {
  const [, target = "", hops, token] = ROUTE.exec(text) ?? [];
  const pod = decodeTarget(target);
  if (pod === undefined || token === undefined || !isToken(token)) return undefined;
  return { pod, token, hops: Number(hops) };
}

/** Most uids are the same percent-encoded, which takes longer than to see it. */
const PLAIN = /^[\w.~-]*$/;

/** A uid as a header's value. */
export function encodeUid(uid: string): string {
  return PLAIN.test(uid) ? uid : encodeURIComponent(uid);
}

/** A link as a header's value. Namespace, service and uid stay out: the caller knows which link it asked about. */
export function encodeLink(link: Link): string {
  const parts = [`pod=${link.podIndex}`, `token=${link.token}`, `kind=${link.kind}`];
  if (link.incarnation !== undefined) parts.push(`incarnation=${link.incarnation}`);
  if (link.expiresInMs !== undefined) parts.push(`expires=${Math.ceil(link.expiresInMs)}`);
  return parts.join("; ");
}

const LINK =
  /^pod=(\d{1,5}); token=(\d{1,16}); kind=(reservation|owned|goodbye)(?:; incarnation=(\d{1,16}))?(?:; expires=(\d{1,16}))?$/;

/**
 * The link that a pod names. Namespace, service and uid are those that were asked for, whatever the pod says: its answer
 * can't change another user's link. Absent: the text is no link.
 */
export function decodeLink(text: string, asked: LinkKey): Link | undefined {
  const [, podIndex, token, kind, incarnation, expiresInMs] = LINK.exec(text) ?? [];
  if (token === undefined || !isToken(token) || Number(podIndex) > MAX_POD_INDEX) return undefined;
  if (incarnation !== undefined && !Number.isSafeInteger(Number(incarnation))) return undefined;
  return makeLink({
    namespace: asked.namespace,
    service: asked.service,
    uid: asked.uid,
    token,
    podIndex: Number(podIndex),
    kind: kind as Link["kind"],
    incarnation: incarnation === undefined ? undefined : Number(incarnation),
    expiresInMs: expiresInMs === undefined ? undefined : Number(expiresInMs),
  });
}

function isToken(text: string): boolean {
  try {
    return checkToken(text) === text;
  } catch {
    return false;
  }
}
