import type { Rule, Stream } from "./rule.ts";

/** How the stream goes on, or not, at a chunk. */
export type Ending =
  /** The chunk and all behind it never arrive. */
  | { readonly kind: "lost"; readonly rule: Rule; readonly resetAfterMs: number | "never" }
  /** So much of the chunk arrives, then a FIN; both: in the other direction too, which ends as well. */
  | { readonly kind: "fin"; readonly rule: Rule; readonly keepBytes: number; readonly both: boolean }
  /** So much of the chunk arrives, then a RST. */
  | { readonly kind: "rst"; readonly rule: Rule; readonly keepBytes: number };

/** What will be done with a chunk: decided when it arrives, in the order of the stream. */
export interface Plan {
  readonly delays: { readonly rule: Rule; readonly ms: number }[];
  readonly throttles: { readonly rule: Rule; readonly bytesPerSecond: number }[];
  readonly fragments: { readonly rule: Rule; readonly pieceBytes: number }[];
  ending?: Ending;
  /** The blackhole that its connection falls into with it. */
  darkness?: Rule;
}

export const emptyPlan = (): Plan => ({ delays: [], throttles: [], fragments: [] });

/** Asks the rules in the order in which they were added. Delays add up; the first that ends the stream is the last asked. */
export function planFor(rules: Iterable<Rule>, stream: Stream, chunk: Buffer): Plan {
  const plan = emptyPlan();
  for (const rule of rules) {
    if (rule.isOfConnections || !rule.selectsChunk(stream, chunk)) continue;
    if (apply(rule, { plan, stream, chunk }) === "last") break;
  }
  return plan;
}

interface Subject {
  readonly plan: Plan;
  readonly stream: Stream;
  readonly chunk: Buffer;
}

function apply(rule: Rule, { plan, stream, chunk }: Subject): "last" | "more" {
  const { fault } = rule;
  const fire = (delayMs?: number): void =>
    rule.fire(stream.connection, {
      direction: stream.direction,
      bytes: chunk.length,
      ...(delayMs === undefined ? {} : { delayMs }),
    });
  const end = (ending: Ending): "last" => {
    fire();
    plan.ending = ending;
    return "last";
  };
  switch (fault.fault) {
    case "pass":
      fire();
      return "last";
    case "delay": {
      const delayMs = rule.drawDelayMs(stream, fault);
      fire(delayMs);
      plan.delays.push({ rule, ms: delayMs });
      return "more";
    }
    case "throttle":
      fire();
      plan.throttles.push({ rule, bytesPerSecond: fault.bytesPerSecond });
      return "more";
    case "fragment":
      fire();
      plan.fragments.push({ rule, pieceBytes: fault.pieceBytes ?? 1 });
      return "more";
    case "loseReply":
    case "loseRequest":
      return end({ kind: "lost", rule, resetAfterMs: fault.resetAfterMs ?? 0 });
    case "reset":
      return end({ kind: "rst", rule, keepBytes: 0 });
    case "halfClose":
      return end({ kind: "fin", rule, keepBytes: chunk.length, both: false });
    case "cut": {
      const keepBytes = rule.lastBytes(stream, chunk, fault.afterBytes);
      if (keepBytes === undefined) return "more";
      return end(fault.by === "fin" ? { kind: "fin", rule, keepBytes, both: true } : { kind: "rst", rule, keepBytes });
    }
    case "blackhole":
      fire();
      plan.darkness = rule;
      return "last";
    case "refuse":
      return "more";
  }
}
