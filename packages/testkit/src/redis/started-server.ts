import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { PortTaken, onFreePort } from "../process/free-port.ts";
import { outsideTests } from "../process/outside-tests.ts";
import { ProcessGroup } from "../process/process-group.ts";
import { temporaryDirectory } from "../process/temporary-directory.ts";
import { ControlConnection } from "./control-connection.ts";
import { findRedisServer } from "./find-redis-server.ts";
import type { ConfLines } from "./redis-conf.ts";
import { commonConf, formatConf, portConf } from "./redis-conf.ts";
import type { RedisServer, RestartOptions } from "./redis-server.ts";
import type { Reply } from "./reply.ts";
import { fieldsOf, textsOf } from "./reply-fields.ts";
import { until } from "./until.ts";

export interface ServerSetup {
  /** Lines of its configuration, beside those that every server has. */
  readonly conf: ConfLines;
  /** Arguments after the configuration file. */
  readonly flags?: readonly string[];
  readonly tls?: boolean;
  /** Of the default user, for the url. */
  readonly password?: string | undefined;
}

const DATA_FILES = ["dump.rdb", "appendonlydir"];
const READY_WITHIN_MS = 10_000;
const RESTARTS = 50;
const BANNER = "oO0OoO0OoO0Oo Redis is starting";

/** Starts one on a free port; resolves when it answers. */
export const startServer = (setup: ServerSetup): Promise<StartedServer> => {
  const program = findRedisServer();
  return onFreePort(async (port) => {
    const server = new StartedServer(program, port, setup);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.end();
      throw error;
    }
  });
};

/** A redis-server in a directory of its own: of any kind, what its configuration says. */
export class StartedServer implements RedisServer {
  readonly url: string;
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly directory: string;
  readonly path: string;
  readonly #command: readonly string[];
  readonly #control: ControlConnection;
  readonly #logFile: string;
  #process: ProcessGroup | undefined;

  constructor(program: string, port: number, { conf, flags = [], tls = false, password }: ServerSetup) {
    const user = password === undefined ? "" : `:${encodeURIComponent(password)}@`;
    this.url = `${tls ? "rediss" : "redis"}://${user}${this.host}:${port}`;
    this.port = port;
    this.directory = temporaryDirectory("redis");
    this.path = join(this.directory, "redis.sock");
    this.#logFile = join(this.directory, "log");
    const confFile = join(this.directory, "redis.conf");
    writeFileSync(confFile, formatConf([...portConf(port, tls), ...commonConf(this.directory, this.path), ...conf]));
    this.#command = [program, confFile, ...flags];
    this.#control = new ControlConnection(this.path);
  }

  get pid(): number | undefined {
    return this.#process?.running ? this.#process.pid : undefined;
  }

  cli(...words: (string | number)[]): Promise<Reply> {
    return this.#control.send(words);
  }

  async info(section?: string): Promise<Record<string, string>> {
    return fieldsOf(String(await this.cli("INFO", ...(section === undefined ? [] : [section]))));
  }

  async config(name: string, value: string | number): Promise<void> {
    await this.cli("CONFIG", "SET", name, value);
  }

  async acl(user: string, ...rules: string[]): Promise<void> {
    await this.cli("ACL", "SETUSER", user, ...rules);
  }

  async aclLog(): Promise<Record<string, string>[]> {
    const entries = await this.cli("ACL", "LOG");
    return Array.isArray(entries) ? entries.map(textsOf) : [];
  }

  async kill9(): Promise<void> {
    await this.#process?.kill();
    this.#control.close();
  }

  stop(): void {
    this.#process?.signal("SIGSTOP");
  }

  cont(): void {
    this.#process?.signal("SIGCONT");
  }

  async restart({ empty = false }: RestartOptions = {}): Promise<void> {
    await this.kill9();
    if (empty) for (const name of DATA_FILES) rmSync(join(this.directory, name), { recursive: true, force: true });
    for (let tries = 1; ; tries += 1)
      try {
        return await this.start();
      } catch (error) {
        // Somebody got the port meanwhile. Unlikely, and if it is an outgoing connection, it will end.
        if (!(error instanceof PortTaken) || tries === RESTARTS) throw error;
        await wait(100);
      }
  }

  async end(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    this.#control.close();
    await running?.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  /** Resolves when it answers and has loaded its data. @throws PortTaken; Error with the end of its log */
  async start(): Promise<void> {
    const started = outsideTests(() => new ProcessGroup({ command: this.#command, logFile: this.#logFile }));
    this.#process = started;
    await until(
      "redis-server answers",
      async () => {
        if (!started.running) return true;
        return (await this.cli("PING")) === "PONG";
      },
      { withinMs: READY_WITHIN_MS, everyMs: 2 },
    );
    if (!started.running) this.#explain();
  }

  #explain(): never {
    const log = readFileSync(this.#logFile, "utf8");
    const last = log.slice(Math.max(log.lastIndexOf(BANNER), 0)).trim();
    if (/Failed listening on port|Address already in use/.test(last)) throw new PortTaken(last);
    throw new Error(`redis-server ended instead of starting:\n${last}`);
  }
}
