/** Load for a stateful service, as its users make it: an open loop with outcomes that can be held to. See the README: load. */

export type { EndOptions, Load } from "./load/load.ts";
export { startLoad } from "./load/load.ts";
export type { LoadOptions, LoadSocketOptions } from "./load/options.ts";
export type { EndedRequest } from "./load/ended-request.ts";
export type { RetryOptions } from "./load/run-request.ts";
export type { AttemptEnd, HttpAnswer, LoadRequest, NoAnswer } from "./load/http-answer.ts";
export type { Outcome } from "./load/outcome.ts";
export { outcomeOf } from "./load/outcome.ts";
export type { LoadReport } from "./load/load-report.ts";
export { formatReport } from "./load/format-report.ts";
export type { Counts, Figures } from "./load/figures.ts";
export type { Percentiles } from "./load/latencies.ts";
export type { Mark, Phase } from "./load/phases.ts";
export type { TimelineRow } from "./load/timeline.ts";
export type { Reading, UserFigures } from "./load/user-record.ts";
export type { UsersReport } from "./load/users.ts";
export type { CountBreach } from "./load/counts.ts";
export { countBreaches } from "./load/counts.ts";
export type { SequenceOf, Sockets } from "./load/sockets/sockets.ts";
export { startSockets } from "./load/sockets/sockets.ts";
export type { SocketMessage, SocketOptions } from "./load/sockets/options.ts";
export type { SequenceFaults } from "./load/sockets/sequence-check.ts";
export type { SocketsReport } from "./load/sockets/sockets-report.ts";

// ---- Below: for podlink's own sample service. ----

export type { RoomLoad, RoomLoadOptions } from "./load/room.ts";
export { roomLoad } from "./load/room.ts";
