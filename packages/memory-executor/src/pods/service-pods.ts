import type { PodRow } from "@podlink/types";
import type { PodRecord } from "./pod-record.ts";

/** The pods of one service, as the operations of the registry work on them. */
export interface ServicePods {
  readonly pods: Map<number, PodRecord>;
  /** Set with the first pod. */
  generation: string | undefined;
  sequence: number;
  /** Reports so far: every hundredth drops old goodbyes. */
  reports: number;
}

export function noPods(): ServicePods {
  return { pods: new Map(), generation: undefined, sequence: 0, reports: 0 };
}

/** What an operation of the registry did. */
export interface PodStep<R> {
  readonly result: R;
  /** The row that is published. Absent: nothing. */
  readonly published?: PodRow;
}
