import { harnessUser } from "./harness-user.ts";
import type { RedisOptions, RedisTls } from "./redis-options.ts";

/** Lines of a redis.conf: the words of each. */
export type ConfLines = readonly (readonly (string | number)[])[];

/** As redis-server reads it. A value that comes from the user is taken as it stands: it may be several words. */
export const formatConf = (lines: ConfLines): string => lines.map((words) => `${words.join(" ")}\n`).join("");

const quoted = (value: string): string => JSON.stringify(value);

/** What every process of the harness has, Sentinels too. */
export const commonConf = (directory: string, socket: string): ConfLines => [
  ["bind", "127.0.0.1"],
  ["protected-mode", "no"],
  ["dir", quoted(directory)],
  ["unixsocket", quoted(socket)],
  ["user", harnessUser.name, "on", `>${harnessUser.password}`, "~*", "&*", "+@all"],
];

/** What servers that hold data have. Directives that are given twice count the last time, so the user's come last. */
export const serverConf = (options: RedisOptions): ConfLines => [
  ["save", quoted("")],
  ["appendonly", options.appendOnly === undefined ? "no" : "yes"],
  ["appendfsync", options.appendOnly ?? "everysec"],
  ["maxmemory", options.maxMemory ?? 0],
  ["maxmemory-policy", "noeviction"],
  ["repl-diskless-sync-delay", 0],
  ["rdb-del-sync-files", "yes"], // or a replica keeps what it was sent, though it keeps nothing else
  ["enable-debug-command", "yes"],
  ["masteruser", harnessUser.name],
  ["masterauth", harnessUser.password],
  ...(options.password === undefined ? [] : [["requirepass", quoted(options.password)]]),
  ...Object.entries(options.users ?? {}).map(([name, rules]) => ["user", name, rules]),
  ...(options.tls ? tlsConf(options.tls) : []),
  ...Object.entries(options.config ?? {}),
];

const tlsConf = (tls: RedisTls): ConfLines => [
  ["tls-cert-file", quoted(tls.certFile)],
  ["tls-key-file", quoted(tls.keyFile)],
  ["tls-ca-cert-file", quoted(tls.caFile)],
  ["tls-auth-clients", tls.clientCertificates ? "yes" : "no"],
];

export const portConf = (port: number, tls: boolean): ConfLines =>
  tls
    ? [
        ["port", 0],
        ["tls-port", port],
      ]
    : [["port", port]];
