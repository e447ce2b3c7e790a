import { refuse } from "@podlink/types";

/** What a path means. */
export type Route =
  | { readonly kind: "pod"; readonly name: "health" | "ready" }
  | { readonly kind: "room"; readonly name: "state" | "incr" | "say" | "live"; readonly uid: string };

/** The methods that a route takes, as in the Allow header. */
export const ALLOW: Readonly<Record<Route["name"], string>> = {
  health: "GET, HEAD",
  ready: "GET, HEAD",
  state: "GET, HEAD",
  incr: "POST",
  say: "POST",
  live: "GET",
};

const ROOM = /^\/u\/([^/]+)\/(state|incr|say|live)$/;

/** The route of a request's target; the uid in it is percent-encoded. Absent: there is none. @throws RouteError INVALID_ARGUMENT */
export function routeOf(target = "/"): Route | undefined {
  const path = target.split("?", 1)[0] ?? "/";
  if (path === "/health") return { kind: "pod", name: "health" };
  if (path === "/ready") return { kind: "pod", name: "ready" };
  const [, encoded, name] = ROOM.exec(path) ?? [];
  if (encoded === undefined) return undefined;
  return { kind: "room", name: name as "state" | "incr" | "say" | "live", uid: decodeUid(encoded) };
}

/** The sequence number that a client saw last. Absent: it saw none. @throws RouteError INVALID_ARGUMENT */
export function lastSeen(target = "/"): number | undefined {
  const query = target.indexOf("?");
  const value = query < 0 ? null : new URLSearchParams(target.slice(query)).get("last");
  if (value === null) return undefined;
  const last = Number(value);
  return /^\d{1,16}$/.test(value) && Number.isSafeInteger(last)
    ? last
    : refuse("last", "a sequence number, from 0", value);
}

function decodeUid(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return refuse("uid", "percent-encoded UTF-8", encoded);
  }
}
