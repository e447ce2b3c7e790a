import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Guard } from "@podlink/http";
import { encodeLink, sendError, WIRE } from "@podlink/http";
import type { Clock, Logger } from "@podlink/types";
import { RouteError } from "@podlink/types";
import type { Pod } from "podlink";
import { changeRequest } from "./change-request.ts";
import { BadRequest, readJson } from "./json-body.ts";
import type { RoomLimits } from "./options.ts";
import type { Rooms } from "./rooms.ts";
import type { Route } from "./routes.ts";
import { ALLOW, routeOf } from "./routes.ts";

/** What the HTTP side of a pod is made of. */
export interface HandlerParts {
  readonly pod: Pod;
  readonly rooms: Rooms;
  readonly guard: Guard;
  readonly limits: RoomLimits;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Answers every ordinary request of a pod. */
export function roomHandler(parts: HandlerParts): RequestListener {
  return (req, res) => {
    const fail = (error: unknown): void => answerError(res, error, parts.logger);
    try {
      const route = routeOf(req.url);
      if (route === undefined) throw new BadRequest(404, "INVALID_ARGUMENT", "there is no such path");
      checkMethod(req, route);
      if (route.kind === "pod") answerAbout(parts.pod, route.name, res);
      else parts.guard(req, res, () => void answerRoom(route, parts, req, res).catch(fail));
    } catch (error) {
      fail(error);
    }
  };
}

function checkMethod(req: IncomingMessage, { name }: Route): void {
  const allow = ALLOW[name];
  if (!allow.split(", ").includes(req.method ?? "")) {
    throw new BadRequest(405, "INVALID_ARGUMENT", `the method must be ${allow}`, { allow });
  }
  if (name === "live") {
    throw new BadRequest(426, "INVALID_ARGUMENT", "live is a WebSocket", {
      upgrade: "websocket",
      connection: "upgrade",
    });
  }
}

async function answerRoom(
  { uid, name }: Extract<Route, { kind: "room" }>,
  { rooms, limits, clock }: HandlerParts,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  if (name !== "incr" && name !== "say") return sendJson(res, 200, await rooms.state(uid));
  const body = await readJson(req, { ...limits, clock });
  const request = changeRequest(name, { body, key: req.headers["idempotency-key"] }, limits);
  return sendJson(res, 200, await rooms.change(uid, request));
}

/** `health`: the process runs. `ready`: it takes users. */
function answerAbout(pod: Pod, name: "health" | "ready", res: ServerResponse): void {
  const { phase, serviceState, routingState, identity } = pod.driver.state;
  const ready = phase === "running" && serviceState === "Ready" && routingState === "Ready";
  const status = name === "health" || ready ? 200 : 503;
  sendJson(res, status, { ready, phase, serviceState, routingState, ...identity, store: pod.health() });
}

function sendJson(res: ServerResponse, status: number, answer: object): void {
  if (res.headersSent || res.destroyed) return;
  const body = JSON.stringify(answer);
  res.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  res.end(body);
}

function answerError(res: ServerResponse, error: unknown, logger: Logger): void {
  if (error instanceof BadRequest) sendError(res, error.error, error.options);
  else if (RouteError.is(error)) sendError(res, error, { headers: refusalHeaders(error) });
  else {
    logger.error({ error: error instanceof Error ? error.message : String(error) }, "a request failed");
    sendError(res, error);
  }
}

/** The uid left this pod between guard and use: the gateway is told as the guard tells it, and sends once more. */
function refusalHeaders({ code, link }: RouteError): Record<string, string> {
  if (code !== "NOT_HOLDER") return {};
  return link === undefined
    ? { [WIRE.refused]: "not-me" }
    : { [WIRE.refused]: "held-by", [WIRE.link]: encodeLink(link) };
}
