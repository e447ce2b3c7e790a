import type { PodRow } from "@podlink/types";
import type { PodRecord } from "./pod-record.ts";

/** The pods of one service, as the operations of the registry work on them. */
export interface ServicePods {
  readonly pods: Map<number, PodRecord>;
  /** Set with the first pod. */
  generation: string | undefined;
  sequence: number;
  /** The pod that writes the workload state, by the last of its own reports. Absent: nobody does. */
  writer: WorkloadWriter | undefined;
  /** Reports so far: every hundredth drops old goodbyes. */
  reports: number;
}

/** When the pod that writes the workload state reported last, and for how long that counts. */
interface WorkloadWriter {
  readonly podIndex: number;
  readonly beatMs: number;
  readonly leaseMs: number;
}

export function noPods(): ServicePods {
  return { pods: new Map(), generation: undefined, sequence: 0, writer: undefined, reports: 0 };
}

/** What an operation of the registry did. */
export interface PodStep<R> {
  readonly result: R;
  /** The row that is published. Absent: nothing. */
  readonly published?: PodRow;
  /** The row of a process that may have taken the place of another one, which is told. Absent: it has not. */
  readonly successor?: PodRow;
}
