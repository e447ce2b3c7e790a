import type { ClientRequest } from "node:http";
import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { refuse } from "@podlink/types";

/**
 * How a program shows that it is ready.
 * - `url`: answers GET with 2xx (certificates are not checked); the app's `url` is its origin.
 * - `port`: accepts connections; on 127.0.0.1 unless `host` says otherwise.
 * - `output`: matches what it has written in this life; its group `url`, else its first one, is the app's `url`.
 * - `"message"`: a Node program calls `process.send`; the field `url` of the message, if any, is the app's.
 * - a function, called again until it answers true, or the app's `url`. What it throws means: not yet.
 */
export type ReadyCheck =
  | { readonly url: string }
  | { readonly port: number; readonly host?: string }
  | { readonly output: RegExp }
  | "message"
  | ((life: StartingLife) => Promise<boolean | string>);

/** What a function that checks is told. */
export interface StartingLife {
  readonly pid: number;
  /** What it has written in this life, at most the last MiB. */
  readonly output: () => string;
  /** Aborted when the answer is of no use any more. */
  readonly signal: AbortSignal;
}

/** What has been seen of a life that is starting. */
export interface Starting extends Omit<StartingLife, "pid"> {
  /** Absent: there never was a process. */
  readonly pid: number | undefined;
  /** What it sent first. Absent: nothing yet. */
  readonly message: () => unknown;
}

/** Ready, perhaps with a url; or why not yet. */
export type Readiness =
  | { readonly ready: true; readonly url?: string }
  | { readonly ready: false; readonly why: string };

const LOOK_EVERY_MS = 20;
/** One answer may take as long. */
const ANSWER_WITHIN_MS = 2000;

const readyAt = (url: unknown): Readiness => ({ ready: true, ...(typeof url === "string" && { url }) });
const notYet = (why: string): Readiness => ({ ready: false, why });

/** Looks again until it is ready or the signal says that it is over; then the last reason why it isn't. */
export async function lookUntilReady(check: ReadyCheck | undefined, starting: Starting): Promise<Readiness> {
  const { signal } = starting;
  const over = new Promise<undefined>((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  let readiness = notYet("there is no answer");
  while (!signal.aborted) {
    const look = lookOnce(check, starting).catch((error: unknown) =>
      notYet(error instanceof Error ? error.message || error.name : String(error)),
    );
    const seen = await Promise.race([look, over]);
    if (seen?.ready) return seen;
    // What a look says that was broken off is no reason.
    if (seen !== undefined && !signal.aborted) readiness = seen;
    await wait(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  return readiness;
}

/** @throws Error why not yet */
async function lookOnce(check: ReadyCheck | undefined, starting: Starting): Promise<Readiness> {
  const { pid } = starting;
  if (pid === undefined) return notYet("there is no process");
  if (check === undefined) return { ready: true };
  if (typeof check === "function") {
    const { output, signal } = starting;
    const answer = await check({ pid, output, signal });
    return answer === false ? notYet("its check says no") : readyAt(answer);
  }
  if (check === "message") {
    const message = starting.message() as { url?: unknown } | null | undefined;
    return message === undefined ? notYet("it has sent no message") : readyAt(message?.url);
  }
  if ("url" in check) return answers(check.url, starting.signal);
  if ("port" in check) return accepts(check.port, check.host, starting.signal);
  const found = new RegExp(check.output, check.output.flags.replace(/[gy]/g, "")).exec(starting.output());
  return found === null
    ? notYet(`it has not written ${String(check.output)}`)
    : readyAt(found.groups?.["url"] ?? found[1]);
}

function answers(url: string, signal: AbortSignal): Promise<Readiness> {
  const get = url.startsWith("https:") ? getHttps : getHttp;
  return new Promise((resolve, reject) => {
    const options = { agent: false, rejectUnauthorized: false, timeout: ANSWER_WITHIN_MS };
    const request = get(url, options, ({ statusCode = 0 }) => {
      request.destroy(); // its body is of no interest
      const isReady = statusCode >= 200 && statusCode < 300;
      resolve(isReady ? readyAt(new URL(url).origin) : notYet(`${url} answers ${statusCode}`));
    });
    request.on("timeout", () => request.destroy(new Error(`${url} gives no answer`)));
    request.on("error", reject);
    destroyAt(signal, request);
  });
}

function accepts(port: number, host = "127.0.0.1", signal: AbortSignal): Promise<Readiness> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, timeout: ANSWER_WITHIN_MS });
    socket.on("connect", () => resolve({ ready: true }));
    socket.on("connect", () => socket.destroy());
    socket.on("timeout", () => socket.destroy(new Error(`port ${port} gives no answer`)));
    socket.on("error", reject);
    destroyAt(signal, socket);
  });
}

/** Node's own option `signal` leaves its listener there, one a look. */
function destroyAt(signal: AbortSignal, one: ClientRequest | Socket): void {
  const destroy = (): void => void one.destroy(new Error("broken off"));
  signal.addEventListener("abort", destroy);
  one.once("close", () => signal.removeEventListener("abort", destroy));
}

/** @throws RouteError INVALID_ARGUMENT */
export function checkReadyCheck(check: ReadyCheck): void {
  if (typeof check === "function" || check === "message") return;
  if (typeof check !== "object" || check === null) refuse("app.ready", 'a function, "message" or an object', check);
  const names = Object.keys(check).toSorted().join();
  if (names === "url" && "url" in check) {
    if (!/^https?:/.test(check.url) || !URL.canParse(check.url)) refuse("app.ready.url", "an http(s) URL", check.url);
  } else if ((names === "port" || names === "host,port") && "port" in check) {
    const isPort = Number.isInteger(check.port) && check.port > 0 && check.port < 65_536;
    if (!isPort) refuse("app.ready.port", "a port, 1 to 65535", check.port);
  } else if (names === "output" && "output" in check) {
    if (!(check.output instanceof RegExp)) refuse("app.ready.output", "a regular expression", check.output);
  } else refuse("app.ready", "one of { url }, { port, host }, { output }", check);
}
