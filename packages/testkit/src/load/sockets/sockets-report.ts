import type { Percentiles } from "../latencies.ts";
import type { SequenceFaults } from "./sequence-check.ts";

/** What sockets went through and saw, as plain JSON. */
export interface SocketsReport extends SequenceFaults {
  /** How many there are, and how many of them are open now. */
  readonly sockets: number;
  readonly open: number;
  /** Connections that were made, the first ones included. */
  readonly connections: number;
  /** Close codes, and how often each came. Those of our own end don't count. */
  readonly closes: Readonly<Record<string, number>>;
  /** Handshakes that were refused or did not come about: status or code of the error, and how often. */
  readonly handshakes: Readonly<Record<string, number>>;
  /** Cut because a ping was not answered. */
  readonly silent: number;
  /** Closed with a code after which one does not come back. */
  readonly gone: number;
  readonly messages: number;
  readonly changes: number;
  /** Messages that `read` threw at. */
  readonly unreadable: number;
  /** Sockets that have not seen what their user's answers had in them. */
  readonly behind: number;
  /** How long sockets were closed before they were open again. Absent: none was. */
  readonly closedFor?: Percentiles;
  /** From the push of a change to its sight. Absent: messages don't say when they were pushed. */
  readonly seenAfter?: Percentiles;
  /** The first ten faults in words. */
  readonly faults: readonly string[];
}
