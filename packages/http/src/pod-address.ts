import { lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { BlockList, isIP } from "node:net";
import type { PodAddress } from "@podlink/types";
import { checkAddress, RouteError } from "@podlink/types";

/** Where clouds keep their machines' secrets, and nobody's pods: never connected to, whatever a row in the store says. */
const NEVER = new BlockList();
NEVER.addSubnet("169.254.0.0", 16, "ipv4");
NEVER.addSubnet("fe80::", 10, "ipv6");
NEVER.addAddress("fd00:ec2::254", "ipv6");

/** Where to connect to. */
export interface Endpoint {
  /** A name in lower case, or an IP address in its usual form, without brackets. */
  readonly host: string;
  readonly port: number;
  /** As Host and URLs say it: without the port when that is 80. */
  readonly authority: string;
}

/**
 * The endpoint of a registered pod: only its row says where a request goes, never the request or a link. `0xA9FEA9FE` and
 * `169.254.43518` are ways to write an IP address too, so what is checked is what would be connected to.
 * @param allow asked with the host of the endpoint.
 * @throws RouteError POD_UNAVAILABLE when the pod has no HTTP port or an address that mustn't be connected to.
 */
export function endpointOf(address: PodAddress, allow?: (address: PodAddress) => boolean): Endpoint {
  const { httpPort } = registered(address);
  if (httpPort === undefined) throw unusable("the pod has no HTTP port");
  const { hostname, host: authority } = urlOf(address.host, httpPort);
  const host = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  if (isNever(host)) throw unusable("the address is link-local");
  if (allow !== undefined && !allow({ ...address, host })) throw unusable("the address isn't allowed");
  return { host, port: httpPort, authority };
}

/** Looks a pod's name up for whoever connects: what is never connected to isn't under a name either. */
export const lookupPod: LookupFunction = (name, options, done) => {
  lookup(name, { ...options, all: true }, (error, found) => {
    if (error !== null) {
      done(error, []);
      return;
    }
    const usable = found.filter(({ address }) => !isNever(address));
    const [first] = usable;
    if (first === undefined) done(unusable("the name leads to link-local addresses"), []);
    else if (options.all === true) done(null, usable);
    else done(null, first.address, first.family);
  });
};

function isNever(host: string): boolean {
  const family = isIP(host);
  return family !== 0 && NEVER.check(host, family === 6 ? "ipv6" : "ipv4");
}

/** Read as everything that connects reads it: one form for each address, whatever the row says. */
function urlOf(host: string, port: number): URL {
  try {
    return new URL(`http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`);
  } catch (error) {
    throw unusable("the registered address is none", error);
  }
}

/** A row may come from a store that others write: it is checked again before anything is connected to. */
function registered(address: PodAddress): PodAddress {
  try {
    return checkAddress(address);
  } catch (error) {
    throw unusable("the registered address is none", error);
  }
}

function unusable(why: string, cause?: unknown): RouteError {
  const message = `the pod can't be reached: ${why}`;
  return new RouteError("POD_UNAVAILABLE", message, { cause, retryable: false, outcome: "not-applied" });
}
