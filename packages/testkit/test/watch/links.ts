import type { Link } from "@podlink/types";
import { makeLink } from "@podlink/types";
import type { Violation } from "../../src/index.ts";

export const NAME = { namespace: "test", service: "room" };

/** A link of "ann", owned by the first life of pod 0, unless said otherwise. */
export function link(token: number, parts: Partial<Parameters<typeof makeLink>[0]> = {}): Link {
  return makeLink({ ...NAME, uid: "ann", podIndex: 0, incarnation: 1, kind: "owned", ...parts, token: String(token) });
}

/** What a watcher reports, kept. */
export function found(): { readonly violations: Violation[]; readonly onViolation: (violation: Violation) => void } {
  const violations: Violation[] = [];
  return { violations, onViolation: (violation) => void violations.push(violation) };
}
