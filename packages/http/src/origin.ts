import type { IncomingMessage } from "node:http";
import { RouteError } from "@podlink/types";
import type { ResolvedProxyLimits } from "./options.ts";

/**
 * Browsers let every page open a WebSocket to anywhere, with the user's cookies; the Origin header, which pages can't set,
 * is what tells them apart.
 * @throws RouteError PERMISSION_DENIED
 */
export function checkOrigin(req: IncomingMessage, allowed: ResolvedProxyLimits["origins"]): void {
  const { origin } = req.headers;
  if (origin === undefined || allowed === "any") return;
  const isAllowed = allowed === "same" ? hostOf(origin) === req.headers.host?.toLowerCase() : allowed.includes(origin);
  if (!isAllowed) throw new RouteError("PERMISSION_DENIED", "this origin may not open a WebSocket here");
}

function hostOf(origin: string): string | undefined {
  return /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]?.toLowerCase();
}
