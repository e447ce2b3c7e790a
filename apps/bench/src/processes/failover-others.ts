import type { Load, Mark } from "@podlink/testkit/load";
import { roomLoad, startLoad } from "@podlink/testkit/load";
import { answerParent } from "../support/child.ts";

export type OthersQuestion =
  | {
      readonly begin: {
        readonly gateways: readonly string[];
        readonly users: readonly string[];
        readonly ratePerSecond: number;
      };
    }
  | { readonly mark: "watched" | "killed" | "served" }
  | { readonly end: true };

/** Of what was due before the kill, and from then until all were served again. */
export interface OthersAnswer {
  readonly p99BeforeMs: number;
  readonly p99MeanwhileMs: number;
}

let load: Load | undefined;
const marks = new Map<string, Mark>();

// Users of the pods that live. In a process of their own, so that nothing but gateways and pods can make them wait.
answerParent(async (question: OthersQuestion): Promise<OthersAnswer | undefined> => {
  if ("begin" in question) {
    const { gateways, users, ratePerSecond } = question.begin;
    const { request, read } = roomLoad();
    load = await startLoad({ url: gateways, users, ratePerSecond, request, read, timeoutMs: 10_000 });
    return undefined;
  }
  if (load === undefined) throw new Error("nobody asks");
  if ("mark" in question) {
    marks.set(question.mark, load.mark(question.mark));
    return undefined;
  }
  await load.end();
  return { p99BeforeMs: p99Ms(load, "watched", "killed"), p99MeanwhileMs: p99Ms(load, "killed", "served") };
});

function p99Ms(of: Load, from: string, to: string): number {
  return of.between(markOf(from), markOf(to)).acknowledgedAfter?.p99Ms ?? Number.NaN;
}

function markOf(name: string): Mark {
  const mark = marks.get(name);
  if (mark === undefined) throw new Error(`no mark ${name}`);
  return mark;
}
