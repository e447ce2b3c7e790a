import { join } from "node:path";
import type { FaultProxy, SupervisedApp, UnexpectedEnd } from "@podlink/testkit";
import { freePort, startFaultProxy, Supervisor } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { sleep } from "@podlink/types";
import { GATEWAYS, PODS } from "./kinds.ts";
import type { PlantedFault } from "./planted-faults.ts";
import type { ProbeAnswer } from "./probe.ts";
import { askProbe } from "./probe.ts";
import { SERVICE } from "./names.ts";

const KNOWN_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 50;
const PLANTING = new URL("../../../scripts/planted-faults/loader.mjs", import.meta.url).href;

export const podName = (index: number): string => `${SERVICE}-${index}`;
export const gatewayName = (index: number): string => `gateway-${index}`;

export interface PlaceOptions {
  /** How long gateways hold a request whose pod can't take it now, in milliseconds. 0: they don't. */
  readonly holdMs: number;
  /** The fault that is planted into the sources of gateways and pods. Absent: none. */
  readonly planted?: PlantedFault | undefined;
  /** Where the logs of the processes are kept. Absent: they go with the run. */
  readonly logDirectory?: string | undefined;
}

/**
 * Where the run takes place: gateways and pods, each a process that reaches the link store over a line of its own; pods are
 * reached over one, too. The session store is reached directly.
 */
export class Place implements AsyncDisposable {
  readonly supervisor: Supervisor;
  readonly links: RedisServer;
  readonly sessions: RedisServer;
  /** The ends that nobody here asked for. */
  readonly unexpectedEnds: UnexpectedEnd[] = [];
  readonly #storeLines = new Map<string, FaultProxy>();
  readonly #podLines = new Map<number, { readonly line: FaultProxy; readonly port: number }>();
  #ended: Promise<void> | undefined;

  readonly #options: PlaceOptions;

  private constructor(parts: Pick<Place, "supervisor" | "links" | "sessions">, options: PlaceOptions) {
    this.supervisor = parts.supervisor;
    this.links = parts.links;
    this.sessions = parts.sessions;
    this.#options = options;
    const { supervisor } = parts;
    supervisor.onUnexpectedEnd((end) => this.unexpectedEnds.push(end));
  }

  /** All ready, and known to the gateways. */
  static async start(options: PlaceOptions): Promise<Place> {
    const { logDirectory } = options;
    const users = { watcher: "on >watcher ~* &* +@all" };
    const links = await startRedis({ appendOnly: "everysec", users });
    const sessions = await startRedis({ users });
    const supervisor = new Supervisor({ ...(logDirectory !== undefined && { logDirectory }) });
    const place = new Place({ supervisor, links, sessions }, options);
    try {
      await Promise.all(Array.from({ length: PODS }, (_, index) => place.startPod(index)));
      await Promise.all(Array.from({ length: GATEWAYS }, (_, index) => place.#startGateway(index)));
      await Promise.all(place.pods.map((index) => place.whenKnown(index)));
      return place;
    } catch (error) {
      await place.end();
      throw error;
    }
  }

  /** The pods that run, by index. */
  get pods(): readonly number[] {
    const running = this.supervisor.apps.filter(({ state }) => state !== "ended").map(({ name }) => name);
    return Array.from(this.#podLines.keys())
      .filter((index) => running.includes(podName(index)))
      .toSorted((a, b) => a - b);
  }

  get gateways(): readonly SupervisedApp[] {
    return Array.from({ length: GATEWAYS }, (_, index) => this.supervisor.app(gatewayName(index)));
  }

  /** Every process that runs. */
  get running(): readonly SupervisedApp[] {
    return this.supervisor.apps.filter(({ state }) => state !== "ended");
  }

  get urls(): readonly string[] {
    return this.gateways.map(({ url = "" }) => url);
  }

  pod(index: number): SupervisedApp {
    return this.supervisor.app(podName(index));
  }

  /** From that process to the link store. */
  storeLine(name: string): FaultProxy {
    return found(this.#storeLines.get(name), `a line of ${name}`);
  }

  /** From the gateways to that pod. */
  podLine(index: number): FaultProxy {
    return found(this.#podLines.get(index), `a line to ${podName(index)}`).line;
  }

  /** Starts a pod, for the first time or again: at the same address, as another process. Resolves when it listens. */
  async startPod(index: number): Promise<void> {
    let way = this.#podLines.get(index);
    if (way === undefined) {
      const port = await freePort();
      way = { port, line: await startFaultProxy({ target: { host: "127.0.0.1", port } }) };
      this.#podLines.set(index, way);
    }
    await this.#start(podName(index), [SERVICE, String(index)], {
      PORT: String(way.port),
      ADVERTISED_PORT: String(way.line.port),
    });
  }

  /** Until every gateway knows this life of the pod as Ready, as a StatefulSet waits for it. @throws Error when it takes too long */
  async whenKnown(index: number): Promise<void> {
    const pid = String(this.pod(index).pid);
    await until(`the gateways know ${podName(index)} as ready`, async () => {
      const known = await Promise.all(
        this.urls.map(async (url) => {
          const response = await fetch(`${url}/s/${SERVICE}/pods`, { headers: { connection: "close" } });
          const pods = (await response.json()) as readonly ListedPod[];
          return pods.some(
            ({ metadata, serviceState, routingState }) =>
              metadata?.pid === pid && serviceState === "Ready" && routingState === "Ready",
          );
        }),
      );
      return !known.includes(false);
    });
  }

  probe(name: string): Promise<ProbeAnswer> {
    return askProbe(this.#probePath(name));
  }

  /** Ends everything. Idempotent. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  async #startGateway(index: number): Promise<void> {
    await this.#start(gatewayName(index), ["gateway"], {
      PORT: String(await freePort()),
      HOLD_MS: String(this.#options.holdMs),
    });
  }

  async #start(name: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
    const { planted } = this.#options;
    if (!this.#storeLines.has(name)) this.#storeLines.set(name, await startFaultProxy({ target: this.links }));
    await this.supervisor.start({
      name,
      node: {
        script: new URL("app.process.ts", import.meta.url),
        args,
        execArgv: [
          ...(planted === undefined ? [] : ["--import", PLANTING]),
          "--import",
          "tsx",
          "-C",
          "@podlink/source",
        ],
      },
      env: {
        REDIS_URL: this.storeLine(name).url("redis"),
        SESSION_REDIS_URL: this.sessions.url,
        PROBE: this.#probePath(name),
        ...(planted !== undefined && { PLANTED_PATCHES: JSON.stringify(planted.patches) }),
        ...env,
      },
      ready: "message",
      readyWithinMs: 60_000, // many at once on a small machine
      stopWithinMs: 30_000,
    });
  }

  #probePath(name: string): string {
    return join(this.links.directory, `${name}.probe`);
  }

  async #end(): Promise<void> {
    await this.supervisor.end();
    await Promise.all(
      [...this.#storeLines.values(), ...Array.from(this.#podLines.values(), ({ line }) => line)].map((line) =>
        line.end(),
      ),
    );
    await Promise.all([this.links.end(), this.sessions.end()]);
  }
}

interface ListedPod {
  readonly serviceState: string;
  readonly routingState: string;
  readonly metadata?: { readonly pid?: string };
}

/** @throws Error when it does not hold in time */
async function until(what: string, holds: () => Promise<boolean>, withinMs: number = KNOWN_WITHIN_MS): Promise<void> {
  const endsAtMs = performance.now() + withinMs;
  for (;;) {
    if (await holds().catch(() => false)) return;
    if (performance.now() > endsAtMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(LOOK_EVERY_MS);
  }
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`there is no ${what}`);
  return value;
}
