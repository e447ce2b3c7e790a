import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import { refuse } from "@podlink/types";
import type { SaidRoute } from "./headers.ts";
import { decodeRoute, encodeUid, WIRE } from "./headers.ts";
import { endsHere, namedBy } from "./hop-by-hop.ts";
import type { PodTarget } from "./ports.ts";

const ROUTE_RULE = "pod=<namespace>/<service>/<podIndex>.<incarnation>; hops=<number>; token=<token>";

/** What goes to a pod with a request. */
export interface RequestHead {
  readonly req: IncomingMessage;
  readonly target: PodTarget;
  readonly uid: string;
  /** The pod that is meant and how many gateways the request has passed with this one, as the route begins. */
  readonly routeHead: string;
}

/**
 * The headers of a request as the pod gets them, names and values in turn, without Host and the framing: Content-Length and
 * Expect are the sender's. On every request's way: one pass, and nothing made that isn't sent.
 */
export function requestHeaders(head: RequestHead): string[] {
  const { req } = head;
  const raw = req.rawHeaders;
  const headers: string[] = [];
  let named: ReadonlySet<string> | undefined;
  let forwardedFor = "";
  let forwardedHost = "";
  let forwardedProto = "";
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string;
    const value = raw[index + 1] as string;
    const key = name.toLowerCase();
    switch (key) {
      case "expect":
      case "content-length":
        break;
      case "connection":
        named = namedBy(value, named);
        break;
      case "host":
        forwardedHost = after(forwardedHost, value);
        break;
      case "x-forwarded-for":
        forwardedFor = after(forwardedFor, value);
        break;
      case "x-forwarded-host":
        // Host comes first as a rule, and is the newest of them all the same.
        forwardedHost = after(value, forwardedHost);
        break;
      case "x-forwarded-proto":
        forwardedProto = after(forwardedProto, value);
        break;
      default:
        if (!endsHere(key)) headers.push(name, value);
    }
  }
  const own = named === undefined ? headers : without(headers, named);
  const { remoteAddress } = req.socket;
  const proto = (req.socket as Partial<TLSSocket>).encrypted === true ? "https" : "http";
  if (remoteAddress !== undefined) own.push("x-forwarded-for", after(forwardedFor, remoteAddress));
  if (forwardedHost !== "") own.push("x-forwarded-host", forwardedHost);
  own.push("x-forwarded-proto", after(forwardedProto, proto));
  own.push(WIRE.uid, encodeUid(head.uid), WIRE.route, head.routeHead + head.target.link.token);
  return own;
}

/** The headers of a pod's response as the caller gets them, names and values in turn. */
export function responseHeaders(raw: readonly string[], podIndex: number): string[] {
  const headers: string[] = [];
  let named: ReadonlySet<string> | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string;
    const key = name.toLowerCase();
    if (key === "connection") named = namedBy(raw[index + 1] as string, named);
    else if (!endsHere(key)) headers.push(name, raw[index + 1] as string);
  }
  const own = named === undefined ? headers : without(headers, named);
  own.push(WIRE.pod, String(podIndex));
  return own;
}

/** The value of a header among names and values in turn. Absent: not there. @param name in lower case. */
export function headerOf(raw: readonly string[], name: string): string | undefined {
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if (raw[index]?.toLowerCase() === name) return raw[index + 1];
  }
  return undefined;
}

/** How many gateways a request has passed. @throws RouteError INVALID_ARGUMENT when the header is no route. */
export function hopsOf(req: IncomingMessage): number {
  const text = req.headers[WIRE.route];
  return text === undefined ? 0 : routeOf(text).hops;
}

/** What a route's header says. @throws RouteError INVALID_ARGUMENT */
export function routeOf(value: string | string[]): SaidRoute {
  const route = typeof value === "string" ? decodeRoute(value) : undefined;
  return route ?? refuse(WIRE.route, ROUTE_RULE, value);
}

function after(before: string, value: string): string {
  if (before === "") return value;
  return value === "" ? before : `${before}, ${value}`;
}

function without(headers: readonly string[], named: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string;
    if (!named.has(name.toLowerCase())) kept.push(name, headers[index + 1] as string);
  }
  return kept;
}
