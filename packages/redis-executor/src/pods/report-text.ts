import type { PodAddress, PodReport, RoutingState, ServiceState } from "@podlink/types";
import { checkPodReport } from "@podlink/types";

/**
 * What a pod says, as it stands at the end of its row (lua/lib/pods/podSaid):
 * `serviceState|routingState|loadState|loadScore|linkCount|leaseMs|address|others`. Address and others are JSON with a
 * fixed order of their parts, so that equal addresses are equal texts; no address is "".
 */
const SAID = /^(\w+)\|(\w+)\|([^|]+)\|([^|]+)\|(\d+)\|(\d+)\|([^|]*)\|(.+)$/s;

const SERVICE_STATES: readonly string[] = ["Ready", "NotReady", "Failed", "Pending", "Terminating", "Unknown"];
const ROUTING_STATES: readonly string[] = ["Ready", "DenyNewCall", "Shutdown", "Unknown"];

export function encodeReport(report: PodReport): string {
  const { serviceState, routingState, loadState, loadScore, linkCount, leaseMs } = report;
  const { address, weight, zone, version, metadata } = report;
  return [
    serviceState,
    routingState,
    loadState,
    loadScore,
    linkCount,
    leaseMs,
    address === undefined ? "" : encodeAddress(address),
    JSON.stringify({ weight, zone, version, metadata }),
  ].join("|");
}

/** A fresh report. @throws whatever shows that the text is none */
export function decodeReport(text: string): PodReport {
  const [, serviceState = "", routingState = "", loadState, loadScore, linkCount, leaseMs, address = "", others = ""] =
    SAID.exec(text) ?? [];
  if (!SERVICE_STATES.includes(serviceState) || !ROUTING_STATES.includes(routingState))
    throw new TypeError("no report");
  const { weight, zone, version, metadata } = objectOf(others);
  return checkPodReport({
    serviceState: serviceState as ServiceState,
    routingState: routingState as RoutingState,
    loadState: Number(loadState),
    loadScore: Number(loadScore),
    linkCount: Number(linkCount),
    leaseMs: Number(leaseMs),
    ...(address === "" ? undefined : { address: decodeAddress(address) }),
    weight: weight as number,
    ...(zone === undefined ? undefined : { zone: textOf(zone) }),
    ...(version === undefined ? undefined : { version: textOf(version) }),
    metadata: Object.freeze(recordOf(metadata)) as Record<string, string>,
  });
}

function encodeAddress({ host, httpPort, grpcPort }: PodAddress): string {
  return JSON.stringify({ host, httpPort, grpcPort });
}

function decodeAddress(text: string): PodAddress {
  const { host, httpPort, grpcPort } = objectOf(text) as { [Part in keyof PodAddress]: PodAddress[Part] };
  return Object.freeze({
    host,
    ...(httpPort === undefined ? undefined : { httpPort }),
    ...(grpcPort === undefined ? undefined : { grpcPort }),
  });
}

function objectOf(json: string): Record<string, unknown> {
  return recordOf(JSON.parse(json));
}

function recordOf(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TypeError("no object");
  return value as Record<string, unknown>;
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("no text");
  return value;
}
