import type { IncomingMessage } from "node:http";
import type { Proxy } from "@podlink/http";
import { createProxy } from "@podlink/http";
import type { Logger } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { readPath } from "./gateway-path.ts";
import type { GatewayPath } from "./gateway-path.ts";
import type { GatewayService, ResolvedGatewayOptions } from "./options.ts";

/** A service that somebody asked for, and the proxy to it. */
export interface RoutedService {
  readonly handle: GatewayService;
  readonly proxy: Proxy;
  /** Named in the options: the gateway isn't healthy before one of its pods is available. */
  readonly isExpected: boolean;
}

/** The services behind one gateway, made when they are asked for. */
export class Services {
  readonly #options: ResolvedGatewayOptions;
  readonly #logger: Logger;
  readonly #known = new Map<string, RoutedService>();
  /** The path of the request that is being handled: it is read once, and asked for three times. */
  #read: { readonly req: IncomingMessage; readonly path: GatewayPath | undefined } | undefined;

  constructor(options: ResolvedGatewayOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  /** Begins to watch the services named in the options, so that their health is known before somebody asks for them. */
  watchExpected(): void {
    // A store that is down now is no reason not to start: the handle goes on trying.
    for (const name of this.#options.services ?? [])
      this.of(name)
        .handle.init()
        .catch(() => undefined);
  }

  /** @throws RouteError INVALID_ARGUMENT */
  pathOf(req: IncomingMessage): GatewayPath | undefined {
    if (this.#read?.req !== req) this.#read = { req, path: readPath(req.url ?? "") };
    return this.#read.path;
  }

  /** @throws RouteError SERVICE_NOT_FOUND for one that isn't served here. */
  of(name: string): RoutedService {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const { podlink, proxy: limits, services, maxServices } = this.#options;
    if (services?.includes(name) === false) throw notFound(name);
    if (this.#known.size >= maxServices) throw notFound(name);
    const handle = podlink.service(name);
    const proxy = createProxy(handle, {
      ...limits,
      uid: (req) => this.#userPath(req)?.uid,
      path: (req) => this.#userPath(req)?.podPath ?? "/",
      logger: this.#logger,
    });
    const made = { handle, proxy, isExpected: services !== undefined };
    this.#known.set(name, made);
    return made;
  }

  all(): IterableIterator<RoutedService> {
    return this.#known.values();
  }

  #userPath(req: IncomingMessage): Extract<GatewayPath, { kind: "user" }> | undefined {
    const path = this.pathOf(req);
    return path?.kind === "user" ? path : undefined;
  }
}

/** Nobody registered it, or it isn't routed to from here. */
export function notFound(name: string): RouteError {
  return new RouteError("SERVICE_NOT_FOUND", `no service ${JSON.stringify(name)} here`, { outcome: "not-applied" });
}
