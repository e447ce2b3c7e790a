import type { IncomingMessage } from "node:http";
import type { Guard, GuardOptions } from "@podlink/http";
import { createGuard } from "@podlink/http";
import { RouteInfoDriver } from "@podlink/route-info-driver";
import type { StopOptions } from "@podlink/server-driver";
import { ServerDriver } from "@podlink/server-driver";
import type { Sessions, SessionsOptions } from "@podlink/sessions";
import { createSessions } from "@podlink/sessions";
import type { Figures, Logger, PodIdentity, StoreHealth, Subscription } from "@podlink/types";
import { checkNamespace, keepAliveUntil, RouteError } from "@podlink/types";
import { identityFromEnvironment, need } from "./identity.ts";
import { defaultLogger } from "./logger.ts";
import type { JoinOptions } from "./options.ts";
import { addressOf, checkJoinOptions } from "./options.ts";
import type { ChosenStore } from "./store.ts";
import { chooseStore } from "./store.ts";

/**
 * Joins a service as one of its pods: registers, reports at once and goes on reporting. The pod takes no traffic before
 * {@link Pod.ready}. Identity and address come from the options, else from the environment of a StatefulSet's pod.
 * @throws RouteError CONFIG naming the option, its value and the rule; nothing was started then.
 */
export async function joinAsPod(options: JoinOptions = {}): Promise<Pod> {
  checkJoinOptions(options);
  const { logger = defaultLogger, observer, clock } = options;
  const shared = { logger, ...(observer && { observer }), ...(clock && { clock }) };
  const environment = identityFromEnvironment();
  const namespace = checkNamespace(options.namespace ?? environment.namespace ?? "default");
  const service = need(
    options.service ?? environment.service,
    "joinAsPod.service",
    'POD_NAME or a host name like "room-0"',
  );
  const podIndex = need(
    options.podIndex ?? environment.podIndex,
    "joinAsPod.podIndex",
    'POD_NAME or a host name like "room-0"',
  );
  const address = addressOf(options, environment.host);
  const chosen = chooseStore({ store: options.store, redis: redisOf(options) }, shared);
  let pod: Pod | undefined;
  try {
    const { store } = chosen;
    const routes = new RouteInfoDriver({ directory: store, catalogue: store, namespace, ...shared }, options.routes);
    const driver = new ServerDriver(
      { store, routes, ...shared },
      { ...options.server, namespace, service, podIndex, ...(address && { address }) },
    );
    pod = new Pod({ name: { namespace, service, podIndex }, driver, routes, chosen });
    await driver.start().catch((error: unknown) => startLater(error, logger));
    return pod;
  } catch (error) {
    await pod?.driver.close(); // it took nobody: there is nothing to drain
    await pod?.stop();
    await chosen.close();
    throw error;
  }
}

/** The store keeps links, and counts pods as overloaded, as the pod's own options say where those of Redis say nothing. */
function redisOf({ redis, server }: JoinOptions): JoinOptions["redis"] {
  if (redis === undefined) return undefined;
  const { ownedTtlMs, overloadScore } = server ?? {};
  return {
    ...(ownedTtlMs === undefined ? undefined : { ownedTtlMs }),
    ...(overloadScore === undefined ? undefined : { overloadScore }),
    ...(typeof redis === "string" ? { url: redis } : redis),
  };
}

/** A store that is down now doesn't keep the pod from starting: the driver goes on trying, and the pod is Pending. */
function startLater(error: unknown, logger: Logger): void {
  if (!RouteError.is(error) || !error.retryable) throw error;
  logger.warn(
    { code: "PODLINK_STORE_DOWN_AT_START", reason: error.code },
    "the store does not answer; registering goes on",
  );
}

/** One pod of a service, as its own application uses it. */
export class Pod implements AsyncDisposable {
  readonly namespace: string;
  readonly service: string;
  readonly podIndex: number;
  /** The driver below, by the checklist's method names. */
  readonly driver: ServerDriver;
  readonly #routes: RouteInfoDriver;
  readonly #chosen: ChosenStore;
  readonly #sessions = new Set<{ close(): Promise<void> }>();
  #stopping: Promise<void> | undefined;

  /** Use {@link joinAsPod}. */
  constructor(parts: {
    readonly name: Pick<Pod, "namespace" | "service" | "podIndex">;
    readonly driver: ServerDriver;
    readonly routes: RouteInfoDriver;
    readonly chosen: ChosenStore;
  }) {
    this.namespace = parts.name.namespace;
    this.service = parts.name.service;
    this.podIndex = parts.name.podIndex;
    this.driver = parts.driver;
    this.#routes = parts.routes;
    this.#chosen = parts.chosen;
  }

  /** This life of the pod. Absent while it is not registered, as with a store that is down. */
  get identity(): PodIdentity | undefined {
    return this.driver.identity;
  }

  /** Says that this pod serves: it is reported Ready and gets users. */
  ready(): void {
    this.driver.ready();
  }

  /** Middleware `(req, res, next)` that lets through the uids of this pod and refuses others with 421 or 503. */
  guard<Req extends IncomingMessage = IncomingMessage>(options: GuardOptions<Req> = {}): Guard<Req> {
    return createGuard(this.driver, options);
  }

  /** State kept in memory for each uid that this pod holds: loaded once a period, saved on the way out. */
  sessions<S>(options: SessionsOptions<S>): Sessions<S> {
    const sessions = createSessions<S>(this.driver, options);
    this.#sessions.add(sessions);
    return sessions;
  }

  /** How the store is, as last known; makes no call. */
  health(): StoreHealth {
    return this.#chosen.store.health();
  }

  /** Counters, for a monitor. */
  read(): Figures {
    return { ...this.#routes.read(), ...this.driver.read() };
  }

  /**
   * Drains: users are handed over and moved, then the pod says goodbye. Settles within the deadline whatever the store
   * does. The connection that the option `redis` made is closed last; a store of yours stays open. Idempotent; a second call
   * hurries.
   */
  stop(options?: StopOptions): Promise<void> {
    const drained = this.driver.stop(options); // also when stopping already: that hurries it
    this.#stopping ??= keepAliveUntil(this.#finish(drained));
    return this.#stopping;
  }

  /**
   * SIGTERM and SIGINT drain, a second one hurries. The process ends by itself once nothing keeps it alive; close your
   * servers in `after`.
   */
  stopOnSignal(options: { readonly after?: () => void | Promise<void> } & StopOptions = {}): Subscription {
    const { after, ...stop } = options;
    let stopped: Promise<void> | undefined;
    const onSignal = (): void => {
      const drained = this.stop(stop);
      stopped ??= drained.then(after).finally(unsubscribe);
      stopped.catch((error: unknown) => process.emitWarning(error instanceof Error ? error : String(error)));
    };
    const unsubscribe = (): void => {
      process.off("SIGTERM", onSignal);
      process.off("SIGINT", onSignal);
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
    return { close: unsubscribe };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #finish(drained: Promise<void>): Promise<void> {
    try {
      await drained;
    } finally {
      await Promise.all(Array.from(this.#sessions, (sessions) => sessions.close()));
      await this.#routes.close();
      await this.#chosen.close();
    }
  }
}
