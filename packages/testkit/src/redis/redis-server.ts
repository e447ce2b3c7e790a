import type { Reply } from "./reply.ts";

export interface RestartOptions {
  /** Removes the data files first: what a server with a lost disk looks like. Default false. */
  readonly empty?: boolean;
}

/** A real redis-server that this process started. It dies with this process, however that ends. */
export interface RedisServer extends AsyncDisposable {
  /** `redis://127.0.0.1:<port>`, `rediss://` with TLS, with the default user's password if it was given one. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Its unix socket. */
  readonly path: string;
  /** Where it keeps its files. Removed by `end`. */
  readonly directory: string;
  /** Absent while it doesn't run. */
  readonly pid: number | undefined;

  /**
   * One command, word by word: `cli("SET", "k", 1)`. Runs as a user of the harness who may do everything, whatever became
   * of the default user, over a connection kept for it (its client name is `harness`).
   * @throws RedisReplyError what Redis says; Error when the connection breaks or no reply comes within 10 s
   */
  cli(...words: (string | number)[]): Promise<Reply>;
  /** The lines of INFO (one section, or the usual ones), field to value. */
  info(section?: string): Promise<Record<string, string>>;
  /** CONFIG SET; gone after a restart. */
  config(name: string, value: string | number): Promise<void>;
  /** ACL SETUSER: `acl("app", "off")`, `acl("default", "resetpass", ">new")`; gone after a restart. */
  acl(user: string, ...rules: string[]): Promise<void>;
  /** What ACL LOG has: commands, keys, channels and passwords that were refused. Newest first. */
  aclLog(): Promise<Record<string, string>[]>;

  /** SIGKILL; resolves when it is gone. Does nothing when it is gone already. */
  kill9(): Promise<void>;
  /** SIGSTOP: connections stay, nothing answers. */
  stop(): void;
  /** SIGCONT. */
  cont(): void;
  /** Kills it if it runs, and starts it on the same port and files. Resolves when it answers and has loaded its data. */
  restart(options?: RestartOptions): Promise<void>;
  /** Kills it and removes its files. The second time does nothing. */
  end(): Promise<void>;
}
