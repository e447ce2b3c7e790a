import type { LinkRecord } from "@podlink/memory-executor";
import type { LinkOp } from "@podlink/types";

/** Every row of the operations table in docs/semantics.md, and the rules before it. */
const ROWS = [
  "get: a link",
  "get: nothing",
  "set: none",
  "set: any",
  "trySet: none",
  "trySet: temporary, of another pod",
  "trySet: persistent, of another pod",
  "trySet: same pod, a reservation",
  "trySet: same pod, a goodbye",
  "trySet: same pod, the very same incarnation",
  "trySet: same pod, a lower incarnation",
  "trySet: same pod, owned, without incarnation",
  "setIfAbsent: none",
  "setIfAbsent: another pod",
  "setIfAbsent: another pod, renewing a reservation",
  "setIfAbsent: another pod, renewing no reservation",
  "setIfAbsent: same pod without incarnation, a reservation",
  "setIfAbsent: same pod without incarnation, no reservation",
  "setIfAbsent: same incarnation, owned",
  "setIfAbsent: same pod, takes a reservation",
  "setIfAbsent: same pod, takes a goodbye",
  "setIfAbsent: same pod, takes a lower incarnation's",
  "replace: none",
  "replace: that token",
  "replace: another token",
  "renew: none",
  "renew: matches",
  "renew: doesn't match",
  "renew: a goodbye for good",
  "remove: none",
  "remove: doesn't match",
  "remove: at once",
  "remove: temporary, with a grace",
  "remove: persistent, with a grace",
  "superseded",
  "repeat",
  "no repeat: an id that is known, of an operation that is overwritten or another one",
  "a token floor beyond a day",
  "an expired record is there",
] as const;

export type Row = (typeof ROWS)[number];

/** How often each row was reached. */
export class RowCounts {
  readonly #counts = new Map<Row, number>(ROWS.map((row) => [row, 0]));

  count(row: Row): void {
    this.#counts.set(row, (this.#counts.get(row) ?? 0) + 1);
  }

  least(): number {
    return Math.min(...this.#counts.values());
  }

  toString(): string {
    return Array.from(this.#counts, ([row, count]) => `${String(count).padStart(7)}  ${row}`).join("\n");
  }
}

/** Which row an operation falls in; `result` tells only whether one of the rules before the table answered. */
export function rowOf(op: LinkOp, live: LinkRecord | undefined, result: unknown): Row {
  const answered = result as { readonly superseded?: true; readonly repeated?: true } | undefined;
  if (answered?.superseded === true) return "superseded";
  if (answered?.repeated === true) return "repeat";
  switch (op.kind) {
    case "get":
      return live === undefined ? "get: nothing" : "get: a link";
    case "set":
      return live === undefined ? "set: none" : "set: any";
    case "trySet":
      return rowOfTrySet(op, live);
    case "setIfAbsent":
      return rowOfSetIfAbsent(op, live);
    case "replace":
      if (live === undefined) return "replace: none";
      return live.token === Number(op.expectedToken) ? "replace: that token" : "replace: another token";
    case "renew":
      if (live === undefined) return "renew: none";
      if (live.kind === "goodbye" && op.lifetime === "persistent") return "renew: a goodbye for good";
      return (result as { readonly renewed: boolean }).renewed ? "renew: matches" : "renew: doesn't match";
    case "remove":
      if (live === undefined) return "remove: none";
      if (!(result as { readonly removed: boolean }).removed) return "remove: doesn't match";
      if (op.graceMs === 0) return "remove: at once";
      return live.persistent ? "remove: persistent, with a grace" : "remove: temporary, with a grace";
  }
}

function rowOfTrySet({ owner }: Extract<LinkOp, { kind: "trySet" }>, live: LinkRecord | undefined): Row {
  if (live === undefined) return "trySet: none";
  if (live.podIndex !== owner.podIndex) {
    return live.persistent ? "trySet: persistent, of another pod" : "trySet: temporary, of another pod";
  }
  if (live.kind === "reservation") return "trySet: same pod, a reservation";
  if (live.kind === "goodbye") return "trySet: same pod, a goodbye";
  if (owner.incarnation === undefined) return "trySet: same pod, owned, without incarnation";
  return owner.incarnation === live.incarnation
    ? "trySet: same pod, the very same incarnation"
    : "trySet: same pod, a lower incarnation";
}

function rowOfSetIfAbsent(op: Extract<LinkOp, { kind: "setIfAbsent" }>, live: LinkRecord | undefined): Row {
  if (live === undefined) return "setIfAbsent: none";
  const isReservation = live.kind === "reservation";
  if (live.podIndex !== op.owner.podIndex) {
    if (op.renew !== true) return "setIfAbsent: another pod";
    return isReservation
      ? "setIfAbsent: another pod, renewing a reservation"
      : "setIfAbsent: another pod, renewing no reservation";
  }
  if (op.owner.incarnation === undefined) {
    return isReservation
      ? "setIfAbsent: same pod without incarnation, a reservation"
      : "setIfAbsent: same pod without incarnation, no reservation";
  }
  if (isReservation) return "setIfAbsent: same pod, takes a reservation";
  if (live.kind === "goodbye") return "setIfAbsent: same pod, takes a goodbye";
  return live.incarnation === op.owner.incarnation
    ? "setIfAbsent: same incarnation, owned"
    : "setIfAbsent: same pod, takes a lower incarnation's";
}
