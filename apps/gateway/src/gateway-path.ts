import { checkService, checkUid, refuse } from "@podlink/types";

/** What a request target asks for. */
export type GatewayPath =
  | { readonly kind: "user"; readonly service: string; readonly uid: string; readonly podPath: string }
  | { readonly kind: "pods"; readonly service: string; readonly all: boolean }
  | { readonly kind: "health" };

const USER = /^\/s\/([^/?]*)\/u\/([^/?]*)([^]*)$/;
const PODS = /^\/s\/([^/?]*)\/pods(?:\?([^]*))?$/;
const HEALTH = /^\/health(?:\?[^]*)?$/;

/**
 * Reads a request target. Absent: nothing here. What follows the uid goes to the pod as it came, byte for byte.
 * @throws RouteError INVALID_ARGUMENT for a bad service name or uid.
 */
export function readPath(target: string): GatewayPath | undefined {
  const user = USER.exec(target);
  if (user !== null) {
    const [, service, encoded = "", rest = ""] = user;
    const uid = checkUid(decode(encoded));
    return { kind: "user", service: checkService(service), uid, podPath: `/u/${encodeURIComponent(uid)}${rest}` };
  }
  const pods = PODS.exec(target);
  if (pods !== null) {
    const all = new URLSearchParams(pods[2]).has("all");
    return { kind: "pods", service: checkService(pods[1]), all };
  }
  return HEALTH.test(target) ? { kind: "health" } : undefined;
}

function decode(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return refuse("uid", "percent-encoded UTF-8", encoded);
  }
}
