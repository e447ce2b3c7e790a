import { checkPodIndex, refuse } from "./values.ts";

/** What a pod says of itself. An application sets Ready, NotReady, Failed or Pending. */
export type ServiceState = "Ready" | "NotReady" | "Failed" | "Pending" | "Terminating" | "Unknown";

/** Which traffic a pod takes: all; only of uids it has; none. */
export type RoutingState = "Ready" | "DenyNewCall" | "Shutdown" | "Unknown";

/** The state of a whole service. */
export type WorkloadState = "Ready" | "Pending" | "NotReady";

/** Where a pod listens. At least one port is given by a pod that serves. */
export interface PodAddress {
  /** A host name or IP address, without brackets. */
  readonly host: string;
  readonly httpPort?: number;
  readonly grpcPort?: number;
}

/** What a pod says in each report. */
export interface PodReport {
  readonly serviceState: ServiceState;
  readonly routingState: RoutingState;
  /** The number the application reports; lower is lighter. 0: none. */
  readonly loadState: number;
  /** 0 (idle) to 100 (full), computed. */
  readonly loadScore: number;
  /** Links that the pod holds. */
  readonly linkCount: number;
  /** How long the pod counts as alive after a report; readers use the pod's own. */
  readonly leaseMs: number;
  readonly address?: PodAddress;
  /** Share of new links relative to other pods; 1 is ordinary. */
  readonly weight: number;
  readonly zone?: string;
  readonly version?: string;
  /** At most 16 pairs. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A pod as the store has it. */
export interface PodRow extends PodReport {
  readonly podIndex: number;
  /** Which life of the pod index: grows with every registration. */
  readonly incarnation: number;
  /** Random text, one for each process: tells a retried registration from another process. */
  readonly life: string;
  /** The number of the report that wrote the row; grows within an incarnation. */
  readonly reportNumber: number;
  /** The store's clock at that report, in ms since 1970. Never compared with a reader's own clock. */
  readonly reportedAtMs: number;
  /** The sequence number that the row took last. */
  readonly sequence: number;
}

/** Names one life of one pod of one service. */
export interface PodIdentity {
  readonly namespace: string;
  readonly service: string;
  readonly podIndex: number;
  readonly incarnation: number;
}

const MAX_METADATA_PAIRS = 16;
const MAX_METADATA_TEXT = 256;

/** A row left by a pod that said goodbye: never alive, and known not to come back under this incarnation. */
export function isGoodbye(row: Pick<PodReport, "serviceState" | "routingState">): boolean {
  return row.serviceState === "Terminating" && row.routingState === "Shutdown";
}

/**
 * Alive: reported less than its lease ago and did not say that it is failed or going.
 * @param silentForMs time since its last report, by the reader's own monotonic clock.
 */
export function isAlive(row: Pick<PodReport, "serviceState" | "leaseMs">, silentForMs: number): boolean {
  if (silentForMs >= row.leaseMs) return false;
  return row.serviceState === "Ready" || row.serviceState === "NotReady" || row.serviceState === "Pending";
}

/** Available: alive, Ready, and still taking the traffic of the uids it has. Keeps its links. */
export function isAvailable(
  row: Pick<PodReport, "serviceState" | "routingState" | "leaseMs">,
  silentForMs: number,
): boolean {
  if (!isAlive(row, silentForMs) || row.serviceState !== "Ready") return false;
  return row.routingState === "Ready" || row.routingState === "DenyNewCall";
}

/** Routable: available, takes all traffic, and not overloaded. Gets new links. */
export function isRoutable(
  row: Pick<PodReport, "serviceState" | "routingState" | "leaseMs" | "loadScore">,
  silentForMs: number,
  overloadScore: number,
): boolean {
  return isAvailable(row, silentForMs) && row.routingState === "Ready" && row.loadScore < overloadScore;
}

/** The state of a service: Ready with enough available pods, else Pending while any is alive, else NotReady. */
export function workloadStateOf(
  pods: { readonly available: number; readonly alive: number },
  minReady: number,
): WorkloadState {
  if (pods.available >= minReady) return "Ready";
  return pods.alive > 0 ? "Pending" : "NotReady";
}

/** Returns the report when every field keeps its rule. @throws RouteError INVALID_ARGUMENT */
export function checkPodReport(report: PodReport): PodReport {
  if (!(report.loadScore >= 0 && report.loadScore <= 100))
    refuse("loadScore", "a number from 0 to 100", report.loadScore);
  if (!(report.loadState >= 0 && Number.isFinite(report.loadState)))
    refuse("loadState", "a finite number of at least 0", report.loadState);
  if (!(report.weight > 0 && report.weight <= 1000)) refuse("weight", "a number above 0, at most 1000", report.weight);
  if (!(Number.isSafeInteger(report.leaseMs) && report.leaseMs > 0))
    refuse("leaseMs", "a whole number of at least 1", report.leaseMs);
  if (!(Number.isSafeInteger(report.linkCount) && report.linkCount >= 0))
    refuse("linkCount", "an integer of at least 0", report.linkCount);
  if (report.address !== undefined) checkAddress(report.address);
  checkMetadata(report.metadata);
  return report;
}

/** Returns the address when it can be connected to. @throws RouteError INVALID_ARGUMENT */
export function checkAddress(address: PodAddress): PodAddress {
  if (typeof address.host !== "string" || !/^[A-Za-z0-9.:_-]{1,255}$/.test(address.host)) {
    refuse("address.host", "a host name or IP address", address.host);
  }
  for (const field of ["httpPort", "grpcPort"] as const) {
    const port = address[field];
    if (port !== undefined && !(Number.isSafeInteger(port) && port >= 1 && port <= 65_535)) {
      refuse(`address.${field}`, "an integer from 1 to 65535", port);
    }
  }
  return address;
}

/** Returns the identity's pod index and incarnation as one comparable text, "3.1700000000000". */
export function holderText(podIndex: number, incarnation: number | undefined): string {
  return `${checkPodIndex(podIndex)}.${incarnation ?? 0}`;
}

function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  const pairs = Object.entries(metadata);
  if (pairs.length > MAX_METADATA_PAIRS) refuse("metadata", `at most ${MAX_METADATA_PAIRS} pairs`, pairs.length);
  for (const [key, value] of pairs) {
    if (typeof value !== "string" || value.length > MAX_METADATA_TEXT || key.length > MAX_METADATA_TEXT) {
      refuse(`metadata.${key.slice(0, 48)}`, `text of at most ${MAX_METADATA_TEXT} characters`, value);
    }
  }
}
