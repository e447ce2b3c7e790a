import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { RouteError } from "@podlink/types";
import { checkOrigin } from "./origin.ts";
import { Running } from "./running.ts";
import type { PodEnd } from "./ports.ts";
import type { Passage, ServiceContext } from "./service-context.ts";
import { UpgradeExchange } from "./upgrade-exchange.ts";

/** The upgraded connections through one proxy. */
export class Upgrades {
  readonly #context: ServiceContext;
  readonly #open = new Running<UpgradeExchange>();

  constructor(context: ServiceContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#open.size;
  }

  /** @throws RouteError INVALID_ARGUMENT, PERMISSION_DENIED, POD_UNAVAILABLE */
  start(req: IncomingMessage, socket: Duplex, head: Buffer, passage: Passage): void {
    const { options } = this.#context;
    checkHandshake(req);
    checkOrigin(req, options.origins);
    if (this.#open.size >= options.maxUpgrades) {
      throw new RouteError("POD_UNAVAILABLE", "the gateway has as many WebSockets as it may", { retryAfterMs: 1000 });
    }
    const exchange = new UpgradeExchange(this.#context, req, socket, head, passage, () => this.#open.delete(exchange));
    this.#open.add(exchange);
    exchange.start();
  }

  podEnded(end: PodEnd): void {
    this.#open.forEach((exchange) => exchange.podEnded(end));
  }

  /** Tells all of them to come back; handshakes under way are cut. */
  restart(): void {
    this.#open.forEach((exchange) => exchange.restart());
  }

  cutAll(): void {
    this.#open.cutAll();
  }

  whenEmpty(): Promise<void> {
    return this.#open.whenEmpty();
  }
}

/** Only WebSockets: any other protocol behind an upgrade would be out of sight of every check here. */
function checkHandshake(req: IncomingMessage): void {
  if (req.method !== "GET" || req.headers.upgrade?.toLowerCase() !== "websocket") {
    throw new RouteError("INVALID_ARGUMENT", "only WebSocket upgrades are relayed", { outcome: "not-applied" });
  }
}
