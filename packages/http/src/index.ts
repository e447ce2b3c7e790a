/** podlink over HTTP: a proxy for gateways (one retry on 421, WebSocket) and a guard for pods. */

// Names that users meet.
export type { Proxy, ProxyOptions } from "./proxy.ts";
export { createProxy } from "./proxy.ts";
export type { ProxyLimits, ServerLimits } from "./options.ts";
export { createLimitedServer } from "./create-server.ts";
export type { Guard, GuardContext, GuardOptions, Next } from "./guard.ts";
export { contextOf, createGuard } from "./guard.ts";
export type { CallPodOptions, PodCall, PodResponse } from "./call-pod.ts";
export { callPod } from "./call-pod.ts";
export type { ErrorAnswer, ErrorAnswerOptions } from "./send-error.ts";
export { sendError, STATUS_OF } from "./send-error.ts";

// ---- Below: for those who write another gateway or guard. ----

export type { PodEnd, PodEntrance, PodTarget, ServiceRoute } from "./ports.ts";
export { decodeLink, decodeRoute, encodeLink, encodeRoute, WIRE, WIRE_PREFIX } from "./headers.ts";
export type { SaidRoute } from "./headers.ts";
export { continueWhenRead } from "./continue-when-read.ts";
export { proxyLimits, serverLimits } from "./options.ts";
export { answerSocket } from "./raw-answer.ts";
export { errorAnswer } from "./send-error.ts";
