import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { answerSocket, createLimitedServer, sendError } from "@podlink/http";
import type { Figures } from "@podlink/types";
import { keepAliveUntil, parseOptions, RouteError, sleep } from "@podlink/types";
import type { Logger } from "pino";
import { pino } from "pino";
import * as v from "valibot";
import { admission, checkListening } from "./access.ts";
import type { Admission } from "./access.ts";
import type { GatewayPath } from "./gateway-path.ts";
import { healthOf } from "./health.ts";
import { listPods } from "./listing.ts";
import type { GatewayOptions, LogLevel, ResolvedGatewayOptions } from "./options.ts";
import { gatewayOptions, logLevel } from "./options.ts";
import { Services } from "./services.ts";

/** How often connections that have become idle are looked for while closing. */
const CLOSE_STEP_MS = 20;

/** Listens, checks the options, and starts nothing when they are wrong. @throws RouteError CONFIG */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const resolved = parseOptions(gatewayOptions, options, "gateway");
  checkListening(resolved);
  const logger = resolved.logger ?? pino({ name: "gateway" });
  if (resolved.logLevel !== undefined) logger.level = resolved.logLevel;
  const gateway = new Gateway(resolved, logger, createLimitedServer(resolved.limits));
  await gateway.listen();
  return gateway;
}

/** A listening gateway. Made by {@link startGateway}. */
export class Gateway implements AsyncDisposable {
  readonly #options: ResolvedGatewayOptions;
  readonly #logger: Logger;
  readonly #server: Server;
  readonly #services: Services;
  readonly #admit: Admission;
  #closing: Promise<void> | undefined;
  #cut = new AbortController();

  constructor(options: ResolvedGatewayOptions, logger: Logger, server: Server) {
    this.#options = options;
    this.#logger = logger;
    this.#server = server;
    this.#services = new Services(options, logger);
    this.#services.watchExpected();
    this.#admit = admission(options);
    server.on("request", (req, res) => this.#serve(req, res));
    server.on("upgrade", (req, socket, head) => this.#upgrade(req, socket, head));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Where it listens, "http://127.0.0.1:8080". */
  get url(): string {
    const { host } = this.#options;
    return `http://${host.includes(":") ? `[${host}]` : host}:${this.port}`;
  }

  get logLevel(): string {
    return this.#logger.level;
  }

  /** Changes what is logged from now on. @throws RouteError CONFIG */
  setLogLevel(level: LogLevel): void {
    if (!v.is(logLevel, level)) throw new RouteError("CONFIG", `logLevel: unknown level ${JSON.stringify(level)}`);
    this.#logger.level = level;
    this.#logger.info({ level }, "log level changed");
  }

  /** Counters of the proxies, summed over the services. */
  read(): Figures {
    const sums: Record<string, number> = {};
    for (const { proxy } of this.#services.all()) {
      for (const [name, value] of Object.entries(proxy.read())) sums[name] = (sums[name] ?? 0) + value;
    }
    return sums;
  }

  listen(): Promise<void> {
    const { port, host } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ port, host }, () => {
        this.#server.off("error", reject);
        this.#logger.info({ url: this.url }, "gateway listens");
        resolve();
      });
    });
  }

  /**
   * Accepts nothing more, closes WebSockets, lets requests end until the deadline and cuts the rest. Idempotent; a second call hurries.
   * @param options.deadlineMs default: the option closeDeadlineMs.
   */
  close(options: { readonly deadlineMs?: number } = {}): Promise<void> {
    if (this.#closing !== undefined) this.#cut.abort();
    this.#closing ??= keepAliveUntil(this.#close(options.deadlineMs ?? this.#options.closeDeadlineMs));
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(deadlineMs: number): Promise<void> {
    this.#logger.info({ deadlineMs }, "gateway closes");
    let isClosed = false;
    this.#server.close(() => (isClosed = true));
    void sleep(deadlineMs, { signal: this.#cut.signal }).then(() => {
      for (const { proxy } of this.#services.all()) proxy.cut();
    });
    await Promise.all(Array.from(this.#services.all(), ({ proxy }) => proxy.close({ deadlineMs })));
    for (let waitedMs = 0; !isClosed; waitedMs += CLOSE_STEP_MS) {
      // What has been answered is on its way out; connections count as idle when it is gone.
      if (waitedMs < deadlineMs + CLOSE_STEP_MS) this.#server.closeIdleConnections();
      else this.#server.closeAllConnections();
      await sleep(CLOSE_STEP_MS);
    }
    this.#cut.abort();
  }

  #serve(req: IncomingMessage, res: ServerResponse): void {
    try {
      if (this.#closing !== undefined) res.setHeader("connection", "close");
      const path = this.#services.pathOf(req);
      if (path === undefined) {
        answerStatus(res, 404, "INVALID_ARGUMENT", "there is nothing here");
        return;
      }
      const allow = allowedMethods(path, req.method ?? "");
      if (allow !== undefined) {
        answerStatus(res, 405, "INVALID_ARGUMENT", "this method is not for this path", { allow });
        return;
      }
      if (path.kind === "health") this.#answerHealth(res);
      else
        this.#admitted(
          req,
          path,
          (error) => sendError(res, error),
          () => this.#route(path, req, res),
        );
    } catch (error) {
      sendError(res, error);
    }
  }

  #upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    try {
      const path = this.#services.pathOf(req);
      if (path?.kind !== "user") {
        answerSocket(socket, new RouteError("INVALID_ARGUMENT", "there is nothing here"), { status: 404 });
        return;
      }
      const fail = (error: unknown): void => answerSocket(socket, error);
      this.#admitted(req, path, fail, () => this.#services.of(path.service).proxy.upgrade(req, socket, head));
    } catch (error) {
      answerSocket(socket, error);
    }
  }

  /** Goes on when the request may be made. Not a promise where none is needed: most gateways ask nobody. */
  #admitted(req: IncomingMessage, path: GatewayPath, fail: (error: unknown) => void, goOn: () => void): void {
    const admitted = this.#admit(req, path.kind === "user" ? path.uid : undefined);
    if (admitted === true) goOn();
    else admitted.then(goOn).catch(fail);
  }

  #route(path: Exclude<GatewayPath, { kind: "health" }>, req: IncomingMessage, res: ServerResponse): void {
    const { handle, proxy } = this.#services.of(path.service);
    if (path.kind === "user") {
      proxy.handle(req, res);
      return;
    }
    listPods(handle, { all: path.all }).then(
      (pods) => answerJson(res, 200, pods),
      (error: unknown) => sendError(res, error),
    );
  }

  #answerHealth(res: ServerResponse): void {
    const health =
      this.#closing === undefined
        ? healthOf(this.#options.podlink, this.#services.all())
        : { status: "unavailable", reason: "the gateway is closing" };
    answerJson(res, health.status === "unavailable" ? 503 : 200, health);
  }
}

/** The methods that a path knows, when the one asked for isn't among them. */
function allowedMethods(path: GatewayPath, method: string): string | undefined {
  if (path.kind === "user") {
    return method === "TRACE" ? "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" : undefined;
  }
  return method === "GET" || method === "HEAD" ? undefined : "GET, HEAD";
}

function answerStatus(
  res: ServerResponse,
  status: number,
  code: "INVALID_ARGUMENT",
  message: string,
  headers: Record<string, string> = {},
): void {
  sendError(res, new RouteError(code, message, { outcome: "not-applied" }), { status, headers });
}

function answerJson(res: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  res.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  res.end(body);
}
