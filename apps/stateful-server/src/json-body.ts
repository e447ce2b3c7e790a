import type { IncomingMessage } from "node:http";
import type { Clock } from "@podlink/types";
import { refuse, RouteError } from "@podlink/types";
import type { ErrorAnswerOptions } from "@podlink/http";

/** An error with the HTTP status that says it best. */
export class BadRequest extends Error {
  readonly error: RouteError;
  readonly options: ErrorAnswerOptions;

  constructor(
    status: number,
    code: "INVALID_ARGUMENT" | "TIMEOUT",
    message: string,
    headers: Record<string, string> = {},
  ) {
    super(message);
    this.error = new RouteError(code, message, { outcome: "not-applied" });
    this.options = { status, headers };
  }
}

/**
 * The JSON body of a request. Undefined: it has none.
 * @throws BadRequest 408, 413, 415; RouteError INVALID_ARGUMENT when it isn't JSON, CANCELLED when the caller went away.
 */
export async function readJson(
  req: IncomingMessage,
  limits: { readonly maxBodyBytes: number; readonly bodyTimeoutMs: number; readonly clock: Clock },
): Promise<unknown> {
  const bytes = await readBytes(req, limits);
  if (bytes.length === 0) return undefined;
  const type = req.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== undefined && type !== "application/json") {
    throw new BadRequest(415, "INVALID_ARGUMENT", "the body must be application/json");
  }
  const text = bytes.toString("utf8");
  try {
    return JSON.parse(text);
  } catch {
    return refuse("the body", "JSON", text);
  }
}

function readBytes(
  req: IncomingMessage,
  { maxBodyBytes, bodyTimeoutMs, clock }: Parameters<typeof readJson>[1],
): Promise<Buffer> {
  // The rest of a body that nobody reads would be taken for the next request.
  const tooLarge = new BadRequest(413, "INVALID_ARGUMENT", `the body may have ${maxBodyBytes} bytes`, {
    connection: "close",
  });
  const tooSlow = new BadRequest(408, "TIMEOUT", `the body did not arrive within ${bodyTimeoutMs} ms`, {
    connection: "close",
  });
  if (Number(req.headers["content-length"] ?? 0) > maxBodyBytes) return Promise.reject(tooLarge);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = clock.setTimer(bodyTimeoutMs, () => finish(() => reject(tooSlow)));
    const finish = (settle: () => void): void => {
      timer.cancel();
      req.off("data", onData).off("end", onEnd).off("close", onClose);
      req.resume();
      settle();
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > maxBodyBytes) finish(() => reject(tooLarge));
      else chunks.push(chunk);
    };
    const onEnd = (): void => finish(() => resolve(Buffer.concat(chunks)));
    const onClose = (): void => {
      finish(() => reject(new RouteError("CANCELLED", "the caller went away", { outcome: "not-applied" })));
    };
    req.on("data", onData).on("end", onEnd).on("close", onClose);
  });
}
