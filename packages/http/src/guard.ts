import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Entered, Entry, GuardRequest } from "@podlink/server-driver";
import type { Link } from "@podlink/types";
import { checkUid, refuse, RouteError } from "@podlink/types";
import { prepareServerOf, sayContinue } from "./continue-when-read.ts";
import { routeOf } from "./forwarded-headers.ts";
import { WIRE } from "./headers.ts";
import type { PodEntrance } from "./ports.ts";
import { answerSocket } from "./raw-answer.ts";
import { refusalOf } from "./refusal.ts";
import { sendError } from "./send-error.ts";

/** What a guard is told by the program that uses it. */
export interface GuardOptions<Req extends IncomingMessage = IncomingMessage> {
  /**
   * Who the request is for. Undefined: nobody; it passes unguarded. Default: what the gateway says (`podlink-uid`). When the
   * gateway says one too, both must be the same, or 400: the one was authorised and the other would be served.
   */
  readonly uid?: (req: Req) => string | undefined;
  /** Longest wait for a claim or a hand-off, in milliseconds, then 503. Default: the pod's handOffTimeoutMs. */
  readonly timeoutMs?: number;
}

/** What a guarded request's handler can ask about it. */
export interface GuardContext {
  readonly uid: string;
  readonly link: Link;
  /** Aborted when the pod's period with this uid ends. */
  readonly signal: AbortSignal;
  /** The store is down and the lease is over: only the token protects what is written. */
  readonly fenced?: true;
}

export type Next = (error?: unknown) => void;

/** Lets a request in when its uid is this pod's, and refuses it before its body is read when it isn't. */
export interface Guard<Req extends IncomingMessage = IncomingMessage> {
  /** Middleware for Express and Connect; with `node:http`, `next` is the rest of the handler. */
  (req: Req, res: ServerResponse, next: Next): void;
  /**
   * The same for the `upgrade` event. Undefined: refused, and the socket was answered. Else call `leave()` as soon as the
   * handshake is done, and guard every message: a drain waits for what has not left. It leaves by itself when the socket closes.
   */
  upgrade(req: Req, socket: Duplex, head?: Buffer): Promise<Entered | undefined>;
}

const contexts = new WeakMap<IncomingMessage, GuardContext>();

/** What the guard knows of a request that it let in. Absent: it was not guarded. */
export function contextOf(req: IncomingMessage): GuardContext | undefined {
  return contexts.get(req);
}

/**
 * The guard of a pod.
 * @throws RouteError CONFIG
 */
export function createGuard<Req extends IncomingMessage = IncomingMessage>(
  pod: PodEntrance,
  settings: GuardOptions<Req> = {},
): Guard<Req> {
  checkSettings(settings);
  const ask = (req: Req): Asked | undefined => askedBy(req, settings);

  const guard = (req: Req, res: ServerResponse, next: Next): void => {
    prepareServerOf(req);
    let asked: Asked | undefined;
    let entry: Entry | Promise<Entry>;
    try {
      asked = ask(req);
      if (asked === undefined) {
        next();
        return;
      }
      entry = pod.enter(asked.uid, asked.request);
    } catch (error) {
      sendError(res, error);
      return;
    }
    const { uid } = asked;
    if (!(entry instanceof Promise)) letIn(entry, uid, req, res, next);
    else {
      entry.then(
        (settled) => letIn(settled, uid, req, res, next),
        (error: unknown) => sendError(res, error),
      );
    }
  };

  guard.upgrade = async (req: Req, socket: Duplex): Promise<Entered | undefined> => {
    try {
      const asked = ask(req);
      if (asked === undefined) throw new RouteError("INVALID_ARGUMENT", "the request names no uid");
      const entry = await pod.enter(asked.uid, asked.request);
      if (!entry.ok) {
        const { error, options } = refusalOf(entry);
        answerSocket(socket, error, options);
        return undefined;
      }
      contexts.set(req, contextFor(asked.uid, entry));
      if (socket.destroyed) entry.leave();
      else socket.once("close", () => entry.leave());
      return entry;
    } catch (error) {
      answerSocket(socket, error);
      return undefined;
    }
  };
  return guard;
}

function letIn(entry: Entry, uid: string, req: IncomingMessage, res: ServerResponse, next: Next): void {
  if (!entry.ok) {
    const { error, options } = refusalOf(entry);
    sendError(res, error, options);
    return;
  }
  if (res.destroyed || res.writableEnded) {
    entry.leave(); // the caller went away while the uid was claimed
    return;
  }
  contexts.set(req, contextFor(uid, entry));
  const leave = (): void => entry.leave();
  res.once("finish", leave).once("close", leave);
  sayContinue(req);
  entry.run(() => next());
}

interface Asked {
  readonly uid: string;
  readonly request: GuardRequest;
}

/** Who the request is for, and what it says of itself. @throws RouteError INVALID_ARGUMENT */
function askedBy<Req extends IncomingMessage>(req: Req, settings: GuardOptions<Req>): Asked | undefined {
  const { headers } = req;
  const saidUid = headers[WIRE.uid] === undefined ? undefined : decodeUid(headers[WIRE.uid]);
  const uid = settings.uid === undefined ? saidUid : settings.uid(req);
  if (uid === undefined) return undefined;
  checkUid(uid);
  if (saidUid !== undefined && saidUid !== uid) refuse(WIRE.uid, "the uid that the request is about", saidUid);
  const said = headers[WIRE.route];
  const route = said === undefined ? undefined : routeOf(said);
  const { timeoutMs } = settings;
  return {
    uid,
    request: {
      ...(route === undefined ? undefined : { token: route.token, pod: route.pod }),
      ...(timeoutMs === undefined ? undefined : { timeoutMs }),
    },
  };
}

function decodeUid(value: string | string[] | undefined): string {
  try {
    return decodeURIComponent(String(value));
  } catch {
    return refuse(WIRE.uid, "percent-encoded UTF-8", value);
  }
}

function contextFor(uid: string, entry: Entered): GuardContext {
  const { link, signal, fenced } = entry;
  return { uid, link, signal, ...(fenced === undefined ? undefined : { fenced }) };
}

function checkSettings(settings: object): void {
  const { uid, timeoutMs, ...unknown } = settings as Record<string, unknown>;
  const [name] = Object.keys(unknown);
  if (name !== undefined) throw new RouteError("CONFIG", `guard.${name}: there is no such option`);
  if (uid !== undefined && typeof uid !== "function") {
    throw new RouteError("CONFIG", "guard.uid: must be a function of the request");
  }
  if (timeoutMs !== undefined && !(Number.isSafeInteger(timeoutMs) && (timeoutMs as number) > 0)) {
    throw new RouteError("CONFIG", "guard.timeoutMs: must be a whole number of milliseconds, at least 1");
  }
}
