import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { Duplex } from "node:stream";
import { defer } from "@podlink/types";
import { inTime } from "./in-time.ts";

/**
 * Beside the program, in its group, a guard waits for the end of a pipe from us, which ends when we are gone, however we
 * went: then the group is killed, the guard with it. While the guard lives no stranger can get the group's number. The
 * shell itself becomes the program, so that what the system says of its end is said to us. Nothing else may hold the pipe,
 * nor the guard the channel of a Node program (4); hence the closed descriptors.
 */
const GUARDED = `
( trap '' HUP INT QUIT TERM PIPE ALRM USR1 USR2; read -r nothing; kill -s KILL -- "-$$" ) <&3 >/dev/null 2>&1 3<&- 4>&- &
echo "$!" >&3
exec "$@" 3>&-
`;

/** What a shell passes on; it drops other names. */
const SHELL_NAME = /^[A-Za-z_]\w*$/;

const GONE_WITHIN_MS = 10_000;

export interface ProgramOptions {
  /** The program, by path or found in PATH, and its arguments. */
  readonly command: readonly string[];
  /** The file that its output is appended to. */
  readonly logFile: string;
  /** Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default: that of this process. */
  readonly cwd?: string | undefined;
  /** Hears what a Node program says by `process.send`. Absent: it has no such channel. */
  readonly onMessage?: ((message: unknown) => void) | undefined;
}

/** How a program ended: its code, or the signal, or why there never was a process. */
export interface ProgramEnd {
  readonly code?: number;
  readonly signal?: NodeJS.Signals;
  readonly error?: Error;
}

/** A program and its children. They die with this process, however that ends. */
export class ProcessGroup {
  /** The program's, and its group's. Absent: there never was a process. */
  readonly pid: number | undefined;
  readonly #child: ChildProcess;
  readonly #ended = defer<ProgramEnd>();
  #running = true;
  #isStopped = false;
  #guardPid: number | undefined;

  constructor({ command, logFile, env = process.env, cwd, onMessage }: ProgramOptions) {
    const log = openSync(logFile, "a");
    try {
      this.#child = spawn("/bin/sh", ["-c", GUARDED, "podlink-testkit", ...withAllNames(command, env)], {
        stdio: ["ignore", log, log, "pipe", ...(onMessage ? (["ipc"] as const) : [])],
        detached: true, // a group of its own
        env,
        cwd,
      });
    } finally {
      closeSync(log);
    }
    this.pid = this.#child.pid;
    const pipe = this.#child.stdio?.[3] as Duplex | undefined; // none where the system had no descriptors left
    pipe?.on("data", (line: Buffer) => {
      this.#guardPid ??= Number.parseInt(line.toString(), 10);
      if (this.#isStopped) this.signal("SIGSTOP");
    });
    pipe?.on("error", () => undefined); // it may be gone already
    // Whoever has nothing else to do may end, and the program ends with it.
    for (const handle of [this.#child, pipe, this.#child.channel])
      (handle as { unref?(): void } | null | undefined)?.unref?.();
    if (onMessage) this.#child.on("message", onMessage);
    const end = (how: ProgramEnd): void => {
      this.#running = false;
      pipe?.destroy(); // and the guard kills what is left: the program's children, and itself
      this.#ended.resolve(how);
    };
    this.#child.once("exit", (code, signal) => end({ ...(code !== null && { code }), ...(signal && { signal }) }));
    this.#child.once("error", (error) => {
      if (this.pid === undefined) end({ error });
    });
  }

  /** Whether the program runs, stopped or not. */
  get running(): boolean {
    return this.#running;
  }

  /** Resolves when the program has ended, by itself or not. */
  get ended(): Promise<ProgramEnd> {
    return this.#ended.promise;
  }

  /** SIGKILL, SIGSTOP and SIGCONT go to the whole group, others to the program alone. Does nothing when it has ended. */
  signal(signal: NodeJS.Signals): void {
    if (!this.#running || this.pid === undefined) return;
    if (signal === "SIGSTOP" || signal === "SIGCONT") this.#isStopped = signal === "SIGSTOP";
    if (signal === "SIGSTOP") {
      if (this.#guardPid === undefined) return; // it has begun this moment: as soon as the guard is there
      send(-this.pid, signal);
      send(this.#guardPid, "SIGCONT"); // the guard must never sleep
    } else send(signal === "SIGKILL" || signal === "SIGCONT" ? -this.pid : this.pid, signal);
  }

  /** Kills the group; resolves when the program is gone. @throws Error when it isn't within 10 s */
  async kill(): Promise<ProgramEnd> {
    this.signal("SIGKILL");
    return inTime(this.#ended.promise, GONE_WITHIN_MS, () => new Error(`${this.pid} outlived SIGKILL by 10 s`));
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has ended and we hear of it in a moment. EPERM is what macOS says of a group that waits to be buried.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}

/** The command, which sets the variables that the shell would drop by itself. */
function withAllNames(command: readonly string[], env: NodeJS.ProcessEnv): readonly string[] {
  const dropped = Object.entries(env).filter(([name, value]) => value !== undefined && !SHELL_NAME.test(name));
  return dropped.length === 0 ? command : ["env", ...dropped.map(([name, value]) => `${name}=${value}`), ...command];
}
