import type { ServiceHandle } from "@podlink/client-driver";
import { ClientDriver } from "@podlink/client-driver";
import type { IncomingMessage } from "node:http";
import type { CallPodOptions, PodCall, PodResponse, Proxy, ProxyOptions } from "@podlink/http";
import { callPod, createProxy } from "@podlink/http";
import { RouteInfoDriver } from "@podlink/route-info-driver";
import type { CallOptions, Figures, Link, StoreHealth } from "@podlink/types";
import { checkNamespace } from "@podlink/types";
import { identityFromEnvironment } from "./identity.ts";
import { defaultLogger } from "./logger.ts";
import type { ConnectOptions } from "./options.ts";
import { checkConnectOptions } from "./options.ts";
import type { ChosenStore } from "./store.ts";
import { chooseStore } from "./store.ts";

/** A service as callers use it: the handle, with what HTTP adds. */
export type Service = ServiceHandle & {
  /** A proxy to the linked pod: resolve, forward, one retry on 421; `.upgrade` relays WebSockets. */
  proxy<Req extends IncomingMessage = IncomingMessage>(options: ProxyOptions<Req>): Proxy<Req>;
  /** Calls the linked pod by `fn`, e.g. with `fetch`; once more where it answers 421 Misdirected Request. */
  call<R extends PodResponse>(uid: string, fn: (pod: PodCall) => Promise<R>, options?: CallPodOptions): Promise<R>;
};

/**
 * Connects a gateway, or anything else that calls pods. Starts even where the store doesn't answer: calls then fail with
 * STORE_UNAVAILABLE until it does.
 * @throws RouteError CONFIG naming the option, its value and the rule.
 */
export async function connect(options: ConnectOptions = {}): Promise<Podlink> {
  checkConnectOptions(options);
  const { logger = defaultLogger, observer, clock } = options;
  const shared = { logger, ...(observer && { observer }), ...(clock && { clock }) };
  const namespace = checkNamespace(options.namespace ?? identityFromEnvironment().namespace ?? "default");
  const chosen = chooseStore(options, shared);
  try {
    const { store } = chosen;
    const routes = new RouteInfoDriver({ directory: store, catalogue: store, namespace, ...shared }, options.routes);
    const client = new ClientDriver({ links: store, routes, namespace, ...shared }, options.client);
    await client.init();
    return new Podlink({ namespace, chosen, routes, client });
  } catch (error) {
    await chosen.close();
    throw error;
  }
}

/** A connection of a caller: services by name, tags, health. */
export class Podlink implements AsyncDisposable {
  readonly namespace: string;
  /** The driver below, by the checklist's method names. */
  readonly client: ClientDriver;
  /** Pods, tags and workload states. */
  readonly routes: RouteInfoDriver;
  readonly #chosen: ChosenStore;
  readonly #services = new Map<string, Service>();

  /** Use {@link connect}. */
  constructor(parts: { namespace: string; chosen: ChosenStore; routes: RouteInfoDriver; client: ClientDriver }) {
    this.namespace = parts.namespace;
    this.client = parts.client;
    this.routes = parts.routes;
    this.#chosen = parts.chosen;
  }

  /**
   * The handle of a service: the same one for the same name.
   * @throws RouteError INVALID_ARGUMENT for a bad name. A service that has no pods is only noticed when it is called.
   */
  service(name: string): Service {
    const known = this.#services.get(name);
    if (known !== undefined) return known;
    const handle = this.client.service(name);
    const overHttp: Pick<Service, "proxy" | "call"> = {
      proxy: (options) => createProxy(handle, options),
      call: (uid, fn, options) => callPod(handle, uid, fn, options),
    };
    const service = Object.assign(handle, overHttp);
    this.#services.set(name, service);
    return service;
  }

  /** The handle of the service that a tag stands for now. @throws RouteError TAG_NOT_FOUND */
  async serviceByTag(tag: string, call?: CallOptions): Promise<Service> {
    return this.service(await this.routes.getServiceNameByTag(tag, call));
  }

  /** All live links of a uid in this namespace, by service. */
  linksOf(uid: string, call?: CallOptions): Promise<Map<string, Link>> {
    return this.client.getLinkService(uid, undefined, call);
  }

  /** How the store is, as last known; makes no call. */
  health(): StoreHealth {
    return this.#chosen.store.health();
  }

  /** Counters of both drivers, for a monitor. */
  read(): Figures {
    return { ...this.routes.read(), ...this.client.read() };
  }

  /** Ends timers and subscriptions, and the connection that the option `redis` made. A store of yours stays open. Idempotent. */
  async close(): Promise<void> {
    await this.client.close();
    await this.routes.close();
    await this.#chosen.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
