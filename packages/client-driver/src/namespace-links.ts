import type { RouteInfoDriver } from "@podlink/route-info-driver";
import type { CoarseClock } from "@podlink/state-cache";
import { LinkCache } from "@podlink/state-cache";
import type { Clock, LinkStore, RouteObserver } from "@podlink/types";
import { checkService } from "@podlink/types";
import type { Counters } from "./counters.ts";
import { Failover } from "./failover.ts";
import { LinkCommands } from "./link-commands.ts";
import type { OpenCalls } from "./open-calls.ts";
import type { ResolvedClientDriverOptions } from "./options.ts";
import type { Pace } from "./pace.ts";
import { Placement } from "./placement.ts";
import { PodEndings } from "./pod-endings.ts";
import { ServiceHandle } from "./service-handle.ts";
import { ServiceLinks } from "./service-links.ts";
import type { ServiceStatus } from "./service-status.ts";
import { serviceStatus } from "./service-status.ts";

/** Names that come from outside may be without end: of services that aren't there at most so many are kept. */
const RESTING_KEPT = 256;

/** Where the links and pods of one namespace are. */
export interface NamespaceReach {
  readonly links: LinkStore;
  readonly routes: RouteInfoDriver;
}

/** What all services of a driver share. */
export interface SharedParts {
  readonly clock: Clock;
  readonly coarse: CoarseClock;
  readonly random: () => number;
  readonly observer: RouteObserver | undefined;
  readonly options: ResolvedClientDriverOptions;
  readonly calls: OpenCalls;
  readonly counters: Counters;
  readonly pace: Pace;
}

interface Service {
  readonly links: ServiceLinks;
  readonly handle: ServiceHandle;
  readonly cache: LinkCache;
  readonly failover: Failover;
}

/** The services of one namespace, each put together at its first use. */
export class NamespaceLinks {
  readonly reach: NamespaceReach;
  readonly #namespace: string;
  readonly #shared: SharedParts;
  readonly #services = new Map<string, Service>();
  #lookThroughAt = RESTING_KEPT;
  #closed = false;

  constructor(namespace: string, reach: NamespaceReach, shared: SharedParts) {
    this.reach = reach;
    this.#namespace = namespace;
    this.#shared = shared;
  }

  links(service: string): ServiceLinks {
    return this.#service(service).links;
  }

  handle(service: string): ServiceHandle {
    return this.#service(service).handle;
  }

  caches(): LinkCache[] {
    return Array.from(this.#services.values(), ({ cache }) => cache);
  }

  close(): void {
    this.#closed = true;
    for (const service of this.#services.values()) end(service);
  }

  /** Handles that somebody kept find their service again. */
  #forgetResting(): void {
    for (const [name, service] of this.#services) {
      if (!service.links.resting) continue;
      this.#services.delete(name);
      service.links.retired = true;
      end(service);
    }
    this.#lookThroughAt = Math.max(RESTING_KEPT, 2 * this.#services.size);
  }

  #service(name: string): Service {
    const known = this.#services.get(name);
    if (known !== undefined) return known;
    this.#shared.calls.checkOpen();
    const made = this.#make(checkService(name));
    if (this.#services.size >= this.#lookThroughAt) this.#forgetResting();
    this.#services.set(name, made);
    return made;
  }

  #make(service: string): Service {
    const { calls, counters, options, clock, coarse, observer } = this.#shared;
    const parts = { ...this.#shared, namespace: this.#namespace, service };
    const routes = this.reach.routes.service(service);
    const failover = new Failover({ ...parts, pods: routes.cache });
    const commands = new LinkCommands({
      links: this.reach.links,
      calls,
      counters,
      clock,
      commandTimeoutMs: options.commandTimeoutMs,
      readingsFail: () => routes.cache.readingsFail,
      onCorrupt: () => {
        counters.corrupt += 1;
        observer?.event({ kind: "corrupt", namespace: this.#namespace, service });
      },
    });
    const cache = new LinkCache(
      { namespace: this.#namespace, service, clock, coarse },
      {
        maxCachedLinks: options.maxCachedLinks,
        hotEntries: options.hotEntries,
        linkInfoCacheTimeSecs: options.linkInfoCacheTimeSecs,
      },
    );
    const placement = new Placement({ ...parts, routes, commands, failover });
    const pods = routes.cache;
    const status = (): ServiceStatus =>
      serviceStatus({ pods, failover, clock, outlook: ({ row }) => placement.outlook(row) });
    const endings = new PodEndings({ pods, clock, options });
    const links = new ServiceLinks({ ...parts, routes, cache, commands, placement, status, endings });
    const onMisdirected = (): void => void (counters.misdirected += 1);
    return {
      links,
      cache,
      failover,
      handle: new ServiceHandle({
        namespace: this.#namespace,
        service,
        links,
        renew: (retired) => (this.#closed ? retired : this.links(service)),
        onMisdirected,
      }),
    };
  }
}

function end({ links, failover, cache }: Service): void {
  links.endings.close();
  failover.close();
  cache.clear();
  cache.close();
}
