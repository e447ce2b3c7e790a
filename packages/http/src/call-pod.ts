import type { IncomingMessage } from "node:http";
import type { CallOptions, Link } from "@podlink/types";
import { checkUid, RouteError } from "@podlink/types";
import { hopsOf } from "./forwarded-headers.ts";
import { decodeLink, encodeRoute, encodeUid, WIRE } from "./headers.ts";
import { endpointOf } from "./pod-address.ts";
import { identityOf } from "./pod-pools.ts";
import type { PodTarget, ServiceRoute } from "./ports.ts";
import { keyOf, LoopError } from "./service-context.ts";

/** The pod to call, as `fn` gets it. */
export interface PodCall {
  readonly podIndex: number;
  readonly link: Link;
  /** Sent along with the request, so that the pod's guard knows whom it means. */
  readonly headers: Readonly<Record<string, string>>;
  /** @param path begins with "/". */
  url(path: string): string;
}

/** What is looked at in what `fn` returns; the Response of `fetch` fits. */
export interface PodResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body?: { cancel(): Promise<void> } | null;
}

export interface CallPodOptions extends CallOptions {
  /** The request on whose behalf the pod is called, if there is one: calls in circles are found by it. */
  readonly onBehalfOf?: IncomingMessage;
}

const MISDIRECTED = 421;
/** As the proxy's default. */
const MAX_HOPS = 5;

/**
 * Calls the pod of a uid: `fn` sends the request with the headers it is given, and is called once more, with another pod,
 * when the answer is 421. So whatever it sends it must be able to send twice.
 * @throws RouteError POD_UNAVAILABLE when the second pod refused too; whatever resolving or `fn` throws.
 */
export async function callPod<R extends PodResponse>(
  route: ServiceRoute,
  uid: string,
  fn: (pod: PodCall) => Promise<R>,
  options: CallPodOptions = {},
): Promise<R> {
  const { onBehalfOf, ...call } = options;
  const hops = (onBehalfOf === undefined ? 0 : hopsOf(onBehalfOf)) + 1;
  if (hops > MAX_HOPS) throw new LoopError(MAX_HOPS);
  const target = await route.target(checkUid(uid), call);
  const first = await fn(podCall(target, uid, hops));
  if (first.status !== MISDIRECTED) return first;
  const said = first.headers.get(WIRE.link);
  await first.body?.cancel();
  const link = said === null ? undefined : decodeLink(said, keyOf(route, uid));
  const second = await fn(podCall(await route.misdirected(target, link, call), uid, hops));
  if (second.status !== MISDIRECTED) return second;
  await second.body?.cancel();
  throw new RouteError("POD_UNAVAILABLE", "two pods refused the uid; nothing was executed", {
    outcome: "not-applied",
    retryAfterMs: 1000,
  });
}

function podCall(target: PodTarget, uid: string, hops: number): PodCall {
  const { authority } = endpointOf(target.address);
  return {
    podIndex: target.podIndex,
    link: target.link,
    headers: {
      [WIRE.uid]: encodeUid(uid),
      [WIRE.route]: encodeRoute({ pod: identityOf(target), token: target.link.token, hops }),
    },
    // Concatenated, not resolved: a path like "//elsewhere" must not become another host.
    url: (path) => `http://${authority}${path.startsWith("/") ? path : `/${path}`}`,
  };
}
