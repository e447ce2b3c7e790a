import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { defer, RouteError } from "@podlink/types";

/** This package's, as a source or built. */
const program = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url));

/** How a process ended, in words. */
type Ending = string;

/** A gateway or a pod in its own process. */
export class AppProcess {
  readonly name: string;
  /** Where it listens, once it does. Rejects when it ends before. */
  readonly listening: Promise<string>;
  /** Resolves when it is gone, however that went. */
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  #isAsked = false;

  /** @param environment what its program reads, beside what this process has */
  constructor(name: string, app: "gateway" | "room", environment: Readonly<Record<string, string | undefined>>) {
    this.name = name;
    this.#child = spawn(process.execPath, [...process.execArgv, program, app], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      // A group of its own: a terminal's Ctrl-C reaches only us, and we tell it once.
      detached: true,
    });
    const listening = defer<string>();
    const ended = defer<Ending>();
    this.listening = listening.promise;
    this.ended = ended.promise;
    this.listening.catch(() => undefined); // whoever waits for it hears of it
    const end = (how: Ending): void => {
      listening.reject(new RouteError("INTERNAL", `${name} ended before it listened: ${how}`));
      ended.resolve(how);
    };
    this.#child.on("message", (message) => listening.resolve((message as { url: string }).url));
    this.#child.on("exit", (code, signal) => end(signal ?? `exit code ${code}`));
    this.#child.on("error", (error) => end(error.message)); // there was never a process
  }

  /** Absent: there was never a process. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether somebody here told it to end. */
  get isAsked(): boolean {
    return this.#isAsked;
  }

  /** Tells it to drain and end; told again, it hurries. Resolves when it is gone. */
  end(): Promise<Ending> {
    return this.#signal("SIGTERM");
  }

  kill(): Promise<Ending> {
    return this.#signal("SIGKILL");
  }

  #signal(signal: NodeJS.Signals): Promise<Ending> {
    this.#isAsked = true;
    this.#child.kill(signal); // does nothing to one that is gone
    return this.ended;
  }
}
