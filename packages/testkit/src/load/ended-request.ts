import type { RequestEnd } from "./figures.ts";
import type { Reading } from "./user-record.ts";

/** What became of one request of a load. Times are in milliseconds from the load's start. */
export interface EndedRequest {
  /** 0 for the first that was due. */
  readonly turn: number;
  readonly uid: string;
  readonly dueMs: number;
  /** When its first attempt had an end. Equal to `endedMs` where there was no other, or none at all. */
  readonly firstEndedMs: number;
  readonly endedMs: number;
  readonly outcome: RequestEnd;
  /** Why attempts ended badly, `503 POD_UNAVAILABLE` say, in order. Empty: it was served at once, or never sent. */
  readonly troubles: readonly string[];
  /** What its acknowledgement said. Absent: there is none, or it says nothing. */
  readonly reading?: Reading;
}
