import type { Logger } from "@podlink/types";
import { RouteError } from "@podlink/types";
import type { ServerInfo } from "./transport.ts";

/** A setting of the server that is a danger, or that rules it out. */
export interface Finding {
  /** Stable: for alarms and searches. */
  readonly code: string;
  readonly message: string;
  /** The server can't be used. */
  readonly fatal?: true;
}

const OLDEST_MAJOR = 7;

/** The `field:value` lines of INFO. */
export function parseInfo(text: string): ServerInfo {
  const lines = text.split("\r\n").filter((line) => line.includes(":"));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}

/** What is wrong with a server, from its INFO. */
export function findingsOf(info: ServerInfo): readonly Finding[] {
  const { redis_version: version, maxmemory_policy: policy, connected_slaves: replicas } = info;
  if (version === undefined)
    return [
      {
        code: "PODLINK_REDIS_PERMISSION",
        message:
          "missing permission +info: version and eviction policy are not checked, and a lost server is not noticed",
      },
    ];
  if (!(Number.parseInt(version, 10) >= OLDEST_MAJOR))
    return [
      {
        code: "PODLINK_REDIS_VERSION",
        message: `Redis ${version} is too old: podlink needs 7.0 or later, whose scripts can free memory when it is full`,
        fatal: true,
      },
    ];
  const findings: Finding[] = [];
  if (policy !== undefined && policy !== "noeviction")
    findings.push({
      code: "PODLINK_REDIS_EVICTION",
      message: `maxmemory-policy is ${policy}: Redis may drop links of living users; set noeviction`,
    });
  if (Number(replicas) > 0 && info["min_slaves_good_slaves"] === undefined)
    findings.push({
      code: "PODLINK_REDIS_REPLICAS",
      message: "min-replicas-to-write is 0: a failover may lose many links; set it to 1, and min-replicas-max-lag to 1",
    });
  if (Number(replicas) === 0 && info["role"] === "master" && info["aof_enabled"] === "0")
    findings.push({
      code: "PODLINK_REDIS_DURABILITY",
      message: "neither a replica nor an append-only file: all links are lost with this server; set appendonly yes",
    });
  return findings;
}

/** What was found at the servers that were met: each finding is told once, a fatal one keeps everybody from using the store. */
export class ServerFindings {
  readonly #logger: Logger;
  readonly #told = new Set<string>();
  readonly #fatal = new Map<string, Finding>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Absent: the servers can be used. */
  get refusal(): RouteError | undefined {
    for (const { message } of this.#fatal.values())
      return new RouteError("CONFIG", message, { outcome: "not-applied" });
    return undefined;
  }

  /** The server answers, perhaps in a newer version than before. */
  meet(info: ServerInfo, server: string): void {
    this.#fatal.delete(server);
    for (const finding of findingsOf(info)) {
      if (finding.fatal === true) this.#fatal.set(server, finding);
      if (this.#told.has(finding.code)) continue;
      this.#told.add(finding.code);
      this.#logger[finding.fatal === true ? "error" : "warn"]({ code: finding.code, server }, finding.message);
    }
  }
}
