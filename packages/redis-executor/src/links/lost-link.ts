import type { LostLink } from "@podlink/types";
import { linkOf, parseStoredLink } from "./stored-link.ts";

/**
 * The taken link that a message tells of: `<moment in ms>\n<the key of the uid>\n<the record>`, as lua/lib/named.lua writes
 * it. Undefined: not such a message.
 */
export function decodeLostLink(
  message: string,
  name: { readonly namespace: string; readonly service: string },
): LostLink | undefined {
  const [nowMs = "", key = "", value = ""] = message.split("\n");
  const stored = parseStoredLink(value);
  const uid = uidOf(key);
  if (typeof stored === "string" || uid === undefined) return undefined;
  return Object.freeze({ uid, link: linkOf({ ...name, uid }, stored, Number(nowMs)) });
}

/** The uid of a key made by `linkKey`: what stands behind the hash tag, percent-encoded. */
function uidOf(key: string): string | undefined {
  const tagEnd = key.indexOf("}");
  if (tagEnd < 0) return undefined;
  try {
    return decodeURIComponent(key.slice(tagEnd + 1));
  } catch {
    return undefined; // not a key of ours
  }
}
