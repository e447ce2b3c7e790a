import type { AppEnvironment } from "./app-options.ts";
import type { Ending } from "./ending.ts";

/** `stopped` is what SIGSTOP does; a process that is gone has `ended`. */
export type AppState = "starting" | "ready" | "stopped" | "ended";

/** A program under supervision: one process at a time, several in a row. It dies with this process, however that ends. */
export interface SupervisedApp {
  readonly name: string;
  readonly state: AppState;
  /** Of the process that runs, or ran last. Absent: the last start made none. */
  readonly pid: number | undefined;
  /** How often it was started. */
  readonly starts: number;
  /** Where it listens, if its ready check says so and it has been ready in this life. */
  readonly url: string | undefined;
  /** The file with the output of all its lives. */
  readonly logFile: string;

  /** Resolves when it is ready. Rejects when this life ended before, or took too long; the end of its output is in the message. */
  whenReady(): Promise<void>;
  /** Resolves when the process that runs, or ran last, has ended, by itself or not. */
  whenEnded(): Promise<Ending>;
  /** SIGKILL to it and its children; resolves when it is gone. Does nothing to one that has ended. */
  kill(): Promise<Ending>;
  /** SIGSTOP to it and its children: connections stay, nothing answers. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** SIGTERM to the program, as Kubernetes does it; SIGKILL when it hasn't ended in time. What is left of its children is killed. */
  terminate(options?: TerminateOptions): Promise<Ending>;
  /** Any signal, to the program alone; SIGKILL, SIGSTOP and SIGCONT to its children too. Does nothing to one that has ended. */
  signal(signal: NodeJS.Signals): void;
  /**
   * A new process with the same name and options; terminates the one that runs first. Resolves when it is ready.
   * @throws Error when it doesn't start
   */
  restart(options?: AppRestartOptions): Promise<void>;
  /** The output of all its lives; a line `=== ... ===` marks where each begins and ends. */
  log(): string;
  /**
   * Resolves when what it has written in this life (of more than a MiB the last one) matches.
   * @throws Error when it ends before, or hasn't in time
   */
  says(pattern: RegExp, options?: SaysOptions): Promise<RegExpExecArray>;
}

export interface TerminateOptions {
  /** How long it may take, in milliseconds. Default: the app's `stopWithinMs`. */
  readonly withinMs?: number;
}

export interface SaysOptions {
  /** In milliseconds. Default 20000. */
  readonly withinMs?: number;
}

export interface AppRestartOptions {
  /** Variables that it has from now on, beside those that it had; undefined takes one away. */
  readonly env?: AppEnvironment;
}
