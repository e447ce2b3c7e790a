import type { RouteErrorCode } from "@podlink/types";
import { RouteError } from "@podlink/types";

/**
 * The one place where errors of ioredis become ours. Nothing of theirs is passed on but what is listed here: their errors
 * carry the command with its arguments (uids, passwords), and a reply may quote what the caller sent. So there is no `cause`.
 * Text is compared from its start only: further on it may be anybody's.
 */

interface Meaning {
  readonly code: RouteErrorCode;
  readonly says: string;
  /** Redis refused it before it executed anything. */
  readonly refused: boolean;
}

const unavailable = (says: string): Meaning => ({ code: "STORE_UNAVAILABLE", says, refused: true });

/** What Redis answers: the first word, or words, of an error. */
const REPLIES: readonly (readonly [start: string, meaning: Meaning])[] = [
  ["MOVED ", unavailable("its slot is on another node (MOVED)")],
  ["ASK ", unavailable("its slot is being moved (ASK)")],
  ["TRYAGAIN ", unavailable("its slot is being moved and its keys are on two nodes (TRYAGAIN)")],
  ["CLUSTERDOWN ", unavailable("the Cluster does not serve its slot (CLUSTERDOWN)")],
  ["LOADING ", unavailable("Redis is loading its data (LOADING)")],
  ["READONLY ", unavailable("this server is a replica (READONLY)")],
  ["MASTERDOWN ", unavailable("the replica has lost its primary (MASTERDOWN)")],
  ["NOSCRIPT ", unavailable("Redis does not know the script (NOSCRIPT)")],
  ["BUSY ", unavailable("Redis is busy with a script (BUSY)")],
  ["OOM ", unavailable("Redis has no memory left: see maxmemory (OOM)")],
  ["MISCONF ", unavailable("Redis can't write its data to disk (MISCONF)")],
  ["NOREPLICAS ", unavailable("there are fewer replicas than min-replicas-to-write (NOREPLICAS)")],
  ["ERR max number of clients reached", unavailable("Redis has no connection left: see maxclients")],
  ["NOAUTH ", { code: "UNAUTHENTICATED", says: "Redis asks for a password (NOAUTH)", refused: true }],
  ["WRONGPASS ", { code: "UNAUTHENTICATED", says: "Redis refuses user or password (WRONGPASS)", refused: true }],
  ["NOPERM ", { code: "PERMISSION_DENIED", says: "its user lacks a permission (NOPERM)", refused: true }],
  [
    "ERR The user executing the script can't",
    { code: "PERMISSION_DENIED", says: "its user lacks a permission that the script needs", refused: false },
  ],
  ["WRONGTYPE ", { code: "CORRUPT", says: "the key has another type (WRONGTYPE)", refused: false }],
];

/** What ioredis says by itself. */
const TIMED_OUT = "Command timed out";
const REDIRECTED = "Too many Cluster redirections. Last error: ReplyError: ";

const textOf = (error: unknown): string => (error instanceof Error ? error.message : "");

function meaningOf(text: string): Meaning | undefined {
  const reply = text.startsWith(REDIRECTED) ? text.slice(REDIRECTED.length) : text;
  return REPLIES.find(([start]) => reply.startsWith(start))?.[1];
}

/** Whether this answer shows that the command was not executed. */
export const provesNotRun = (error: unknown): boolean => meaningOf(textOf(error))?.refused === true;

/** Whether its slot is being moved, and no node has all of its keys. */
export const saysKeysAreApart = (error: unknown): boolean => textOf(error).startsWith("TRYAGAIN ");

/** Whether the script has to be sent whole. */
export const isUnknownScript = (error: unknown): boolean => textOf(error).startsWith("NOSCRIPT ");

/** Whether nobody answered: no answer, no connection, or a server that is not yet or no longer able to answer anything. */
export function isSilence(error: unknown): boolean {
  if (RouteError.is(error)) return ["TIMEOUT", "STORE_UNAVAILABLE", "UNAUTHENTICATED"].includes(error.code);
  return !isReply(error) || /^(?:BUSY|LOADING|MASTERDOWN) /.test(textOf(error));
}

/** For ioredis' `reconnectOnError`: 1, not 2, which would send the command again and again. */
export const reconnectOnError = (error: Error): false | 1 => (error.message.startsWith("READONLY ") ? 1 : false);

/**
 * @param what was tried, in words of ours, without any argument
 * @param mayHaveRun whether it was written to a socket and not refused there
 */
export function toRouteError(error: unknown, what: string, mayHaveRun: boolean): RouteError {
  if (RouteError.is(error)) return error;
  const text = textOf(error);
  const meaning = meaningOf(text);
  if (meaning !== undefined) {
    const outcome = meaning.refused || !mayHaveRun ? "not-applied" : "unknown";
    return new RouteError(meaning.code, `${what}: ${meaning.says}`, { outcome });
  }
  const outcome = mayHaveRun ? "unknown" : "not-applied";
  if (text.startsWith(TIMED_OUT)) return new RouteError("TIMEOUT", `${what}: no answer in time`, { outcome });
  if (isReply(error)) return new RouteError("INTERNAL", `${what}: ${describeReply(text)}`, { outcome });
  return new RouteError("STORE_UNAVAILABLE", `${what}: ${describeFailure(error)}`, { outcome });
}

/** A failed connection in words that may be shown and logged. */
export function describeFailure(error: unknown): string {
  const text = textOf(error);
  const meaning = meaningOf(text);
  if (meaning !== undefined) return meaning.says;
  const { code, address, port, path } = error as { [name in "code" | "address" | "port" | "path"]?: unknown };
  if (typeof code === "string" && /^[A-Z][A-Z0-9_]+$/.test(code)) {
    const where =
      typeof address === "string" ? ` ${address}:${String(port)}` : typeof path === "string" ? ` ${path}` : "";
    return `${code}${where}`;
  }
  if (text.startsWith("All sentinels are unreachable")) return "no Sentinel answers";
  if (text.startsWith("None of startup nodes is available")) return "no node of the Cluster answers";
  if (text.startsWith("Failed to refresh slots cache")) return "no node of the Cluster tells the slots";
  if (text.startsWith("Socket timeout")) return "Redis has not answered for long";
  return isReply(error) ? describeReply(text) : "the connection to Redis is lost";
}

/** Whether the secret, or the user, is wrong: nothing changes by itself. */
export const isRefusedLogin = (error: unknown): boolean => meaningOf(textOf(error))?.code === "UNAUTHENTICATED";

/** Whether it is what Redis answered, not what became of a connection. */
export const isAnswer = (error: unknown): boolean => isReply(error) || textOf(error).startsWith(REDIRECTED);

const isReply = (error: unknown): boolean => error instanceof Error && error.name === "ReplyError";

/** The code, and for a script that broke the line: all that is surely not a caller's text. */
function describeReply(text: string): string {
  const code = /^[A-Z]{2,20}(?= |$)/.exec(text)?.[0] ?? "an error";
  const line = /^[A-Z]+ user_script:(\d+): /.exec(text)?.[1];
  return `Redis answered ${code}${line === undefined ? "" : ` at line ${line} of the script`}`;
}
