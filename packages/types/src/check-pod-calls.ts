import type { PodReport, WorkloadState } from "./pod.ts";
import { checkPodReport } from "./pod.ts";
import type { ReadPodsOptions } from "./ports/pod-directory.ts";
import type { Heartbeat, Leave, Registration } from "./ports/pod-registry.ts";
import { checkDurationMs, checkIncarnation, checkNamespace, checkPodIndex, checkService, refuse } from "./values.ts";

const SERVICE_STATES: readonly unknown[] = ["Ready", "NotReady", "Failed", "Pending", "Terminating", "Unknown"];
const ROUTING_STATES: readonly unknown[] = ["Ready", "DenyNewCall", "Shutdown", "Unknown"];
const WORKLOAD_STATES: readonly unknown[] = ["Ready", "Pending", "NotReady"];
const MAX_RANDOM_TEXT = 64;
const MAX_TEXT = 256;

/** Returns the registration when every field of it keeps its rule. @throws RouteError INVALID_ARGUMENT */
export function checkRegistration(registration: Registration): Registration {
  checkPodName(registration);
  checkRandomText(registration.life, "life");
  checkRandomText(registration.generation, "generation");
  if (registration.expected !== undefined) checkIncarnation(registration.expected, "expected");
  if (registration.floor !== undefined) checkFloor(registration.floor);
  const { takeOver } = registration as { readonly takeOver: unknown };
  if (takeOver !== "wait" && takeOver !== "now") refuse("takeOver", '"wait" or "now"', takeOver);
  checkReport(registration.report);
  return registration;
}

/** Returns the heartbeat when every field of it keeps its rule. @throws RouteError INVALID_ARGUMENT */
export function checkHeartbeat(heartbeat: Heartbeat): Heartbeat {
  checkPodName(heartbeat);
  checkIncarnation(heartbeat.incarnation);
  checkRandomText(heartbeat.life, "life");
  checkWhole(heartbeat.reportNumber, "reportNumber", 1);
  checkReport(heartbeat.report);
  return heartbeat;
}

/** Returns the goodbye when every field of it keeps its rule. @throws RouteError INVALID_ARGUMENT */
export function checkLeave(leave: Leave): Leave {
  checkPodName(leave);
  checkIncarnation(leave.incarnation);
  return leave;
}

/** Checks what a reading is asked with. @throws RouteError INVALID_ARGUMENT */
export function checkReadPodsOptions({ known, silenceMs }: ReadPodsOptions): void {
  if (silenceMs !== undefined) checkDurationMs(silenceMs, "silenceMs", 1);
  if (known === undefined) return;
  checkRandomText(known.generation, "known.generation");
  checkWhole(known.sequence, "known.sequence", 0);
}

/** Returns the value when it is the state of a service. @throws RouteError INVALID_ARGUMENT */
export function checkWorkloadState(state: WorkloadState): WorkloadState {
  return WORKLOAD_STATES.includes(state) ? state : refuse("state", WORKLOAD_STATES.join(", "), state);
}

function checkPodName(call: Leave | Registration | Heartbeat): void {
  checkObject(call, "call");
  const { namespace, service, podIndex } = call;
  checkNamespace(namespace);
  checkService(service);
  checkPodIndex(podIndex);
}

function checkReport(report: PodReport): void {
  checkObject(report, "report");
  const { serviceState, routingState } = report;
  if (!SERVICE_STATES.includes(serviceState)) refuse("serviceState", SERVICE_STATES.join(", "), serviceState);
  if (!ROUTING_STATES.includes(routingState)) refuse("routingState", ROUTING_STATES.join(", "), routingState);
  checkObject(report.metadata, "metadata");
  if (report.address !== undefined) checkObject(report.address, "address");
  checkText(report.zone, "zone");
  checkText(report.version, "version");
  checkPodReport(report);
}

function checkObject(value: unknown, field: string): void {
  if (typeof value !== "object" || value === null) refuse(field, "an object", value);
}

function checkText(value: unknown, field: string): void {
  if (value === undefined || (typeof value === "string" && value.length <= MAX_TEXT)) return;
  refuse(field, `text of at most ${MAX_TEXT} characters`, value);
}

function checkRandomText(value: unknown, field: string): void {
  if (typeof value === "string" && value.length > 0 && value.length <= MAX_RANDOM_TEXT) return;
  refuse(field, `text of 1 to ${MAX_RANDOM_TEXT} characters`, value);
}

function checkWhole(value: unknown, field: string, min: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= min) return;
  refuse(field, `an integer of at least ${min}`, value);
}

function checkFloor(floor: number): void {
  checkIncarnation(floor, "floor");
  if (floor === Number.MAX_SAFE_INTEGER) refuse("floor", "below 2^53 - 1: the new incarnation is higher", floor);
}
