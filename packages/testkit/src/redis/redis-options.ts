/** The files of a server's TLS, as `openssl` writes them. */
export interface RedisTls {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  /** Whether clients must show a certificate of that CA too. Default false. */
  readonly clientCertificates?: boolean;
}

export interface RedisOptions {
  /** Keeps an append-only file, synced when this says. Default: nothing is kept, a restart comes back empty. */
  readonly appendOnly?: "always" | "everysec" | "no";
  /** In bytes, with policy `noeviction`. Default, and 0: no limit. */
  readonly maxMemory?: number;
  /** Of the default user. Default: none. */
  readonly password?: string;
  /** ACL users beside the default one: name to rules, `{ app: "on >secret ~pl:* +@all" }`. */
  readonly users?: Readonly<Record<string, string>>;
  /** The port speaks TLS only. The harness's own connection is a unix socket, and doesn't. */
  readonly tls?: RedisTls;
  /** Lines of redis.conf: directive to what follows it. They win over what the harness writes. */
  readonly config?: Readonly<Record<string, string | number>>;
}
