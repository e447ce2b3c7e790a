/** A service of pods behind gateways that is restarted pod by pod. */
export interface Side {
  readonly name: string;
  /** Of the gateways. */
  readonly urls: readonly string[];
  /** Ends a pod as Kubernetes does, and resolves when its next life takes users. */
  restart(podIndex: number): Promise<Restarted>;
  end(): Promise<void>;
}

export interface Restarted {
  /** From the moment the pod was told to go to its end. */
  readonly goneAfterMs: number;
  /** What it had for that. */
  readonly deadlineMs: number;
}

export interface Sizes {
  readonly pods: number;
  readonly gateways: number;
}
