/** What a request to a pod tells whoever made it. After `head`, `end` or `failed` comes exactly once; `failed` may come instead. */
export interface UpstreamEvents {
  /** Of the response itself, never of an informational one (1xx). @param headers names and values in turn. */
  head(status: number, headers: string[]): void;
  /** False: nothing more is wanted until `resume`. */
  data(chunk: Buffer): boolean;
  end(): void;
  failed(failure: UpstreamFailure): void;
}

/** A request under way to a pod. */
export interface Upstream {
  /** Whether anything of it may have reached the pod. */
  readonly isSent: boolean;
  /** Ends it at once; it tells nothing more. Idempotent. */
  abort(): void;
  /** More of the response is wanted. */
  resume(): void;
  /** The response is of no use: what is left of it is dropped, and nothing more is told. */
  ignore(): void;
}

/** Why there is no response, or not all of it. */
export interface UpstreamFailure {
  /**
   * `unreached`: nothing was sent, so nothing was executed; `timeout`: no answer in time; `broken`: the connection
   * ended; `ended`: the pod did, as far as can be told, and the connection says nothing.
   */
  readonly kind: "unreached" | "timeout" | "broken" | "ended";
  readonly cause: Error;
}
