import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import { RouteError } from "@podlink/types";
import type { Authorize, ResolvedGatewayOptions } from "./options.ts";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** Refuses to listen where strangers could come from. @throws RouteError CONFIG */
export function checkListening(options: Pick<ResolvedGatewayOptions, "host" | "authorize" | "allowAnonymous">): void {
  const { host, authorize, allowAnonymous } = options;
  if (authorize !== undefined || allowAnonymous || host === "localhost" || isLoopback(host)) return;
  throw new RouteError(
    "CONFIG",
    `gateway.host: ${JSON.stringify(host)} is not loopback: give authorize, or write allowAnonymous: true`,
  );
}

/** Whether a request may be made. Sends nothing, reads nothing of the body. */
export type Admission = (req: IncomingMessage, uid: string | undefined) => true | Promise<true>;

/** The rule of this gateway. What it returns throws, or rejects with, RouteError PERMISSION_DENIED. */
export function admission(options: Pick<ResolvedGatewayOptions, "authorize" | "allowAnonymous">): Admission {
  const { authorize, allowAnonymous } = options;
  if (authorize !== undefined) return (req, uid) => ask(authorize, req, uid);
  if (allowAnonymous) return () => true;
  return (req) => {
    if (isLoopback(req.socket.remoteAddress ?? "")) return true;
    throw denied("only requests from this machine are served");
  };
}

async function ask(authorize: Authorize, req: IncomingMessage, uid: string | undefined): Promise<true> {
  // Only a plain true counts: a forgotten await or a truthy object must not open the door.
  if ((await authorize(req, uid)) === true) return true;
  throw denied("this request is not allowed");
}

function isLoopback(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && LOOPBACK.check(address, family === 6 ? "ipv6" : "ipv4");
}

function denied(message: string): RouteError {
  return new RouteError("PERMISSION_DENIED", message, { outcome: "not-applied" });
}
