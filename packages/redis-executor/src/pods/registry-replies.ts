import type { HeartbeatResult, RegisterResult } from "@podlink/types";
import { RouteError } from "@podlink/types";

/** The codes with which the scripts of the registry answer, and what they mean. See their headers in lua/. */

export function registerResultOf(reply: unknown): RegisterResult {
  const [code = "", ...parts] = textsOf(reply);
  switch (code) {
    case "registered":
    case "adopted": {
      const [incarnation, claimAfterMs, generation = ""] = parts;
      return Object.freeze({
        registered: true,
        incarnation: Number(incarnation),
        ...(code === "adopted" ? { adopted: true as const } : undefined),
        claimAfterMs: Number(claimAfterMs),
        generation,
      });
    }
    case "found":
      return Object.freeze({ registered: false, ...foundOf(parts) });
    default:
      return refused(code);
  }
}

export function heartbeatResultOf(reply: unknown): HeartbeatResult {
  const [code = "", ...parts] = textsOf(reply);
  switch (code) {
    case "accepted":
      return Object.freeze({
        accepted: true,
        ...(parts[0] ? { generation: parts[0] } : undefined),
        writesWorkload: parts[1] === "1",
      });
    case "gone":
    case "superseded":
    case "ignored":
      return Object.freeze({ accepted: false, reason: code, ...foundOf(parts) });
    default:
      return refused(code);
  }
}

export function leaveResultOf(reply: unknown): { readonly left: boolean } {
  const [code] = textsOf(reply);
  if (code !== "left" && code !== "not-left") return refused(code);
  return Object.freeze({ left: code === "left" });
}

/** The incarnation that is there. "": none. */
function foundOf([found]: readonly string[]): { readonly found?: number } {
  return found ? { found: Number(found) } : {};
}

function textsOf(reply: unknown): string[] {
  return Array.isArray(reply) ? reply.map(String) : [];
}

function refused(code: string | undefined): never {
  if (code === "corrupt") {
    throw new RouteError("CORRUPT", "the pod's row has a newer format; it was left untouched", {
      outcome: "not-applied",
    });
  }
  throw new RouteError("INTERNAL", "a script of the registry answered what is none of its answers", {
    outcome: "unknown",
  });
}
