import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** What the environment of the tests may say, and the demo is not to hear. */
const unsaid = { REDIS_URL: "", SESSION_REDIS_URL: "", LOG_LEVEL: "warn" };

/** The demo as its own process, as `npm start -- <args>` makes it. */
export class DemoProcess {
  output = "";
  readonly child: ChildProcess;
  #closed = false;

  constructor(environment: Readonly<Record<string, string>>, args: readonly string[] = []) {
    this.child = spawn(process.execPath, ["--import", "tsx", "-C", "@podlink/source", main, ...args], {
      env: { ...process.env, ...unsaid, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child.once("close", () => (this.#closed = true));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on("data", (text: Buffer) => (this.output += text.toString()));
    }
  }

  /** Makes them, and kills what is left of them. */
  static several(): {
    start: (environment: Readonly<Record<string, string>>, args?: readonly string[]) => DemoProcess;
    endAll: () => void;
  } {
    const running: DemoProcess[] = [];
    return {
      start(environment, args) {
        const demo = new DemoProcess(environment, args);
        running.push(demo);
        return demo;
      },
      endAll() {
        for (const { child } of running.splice(0)) child.kill("SIGKILL");
      },
    };
  }

  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (let turn = 0; turn < 1000; turn += 1) {
      const found = pattern.exec(this.output);
      if (found !== null) return found;
      if (this.child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`never said ${String(pattern)}:\n${this.output}`);
  }

  /** The exit code, once it has ended and everybody has let go of its output. */
  async ended(): Promise<number | null> {
    if (!this.#closed) await once(this.child, "close"); // not "exit": what it said last may still be on its way
    return this.child.exitCode;
  }

  /** The processes it said it started, by name. */
  pids(): Map<string, number> {
    const lines = this.output.matchAll(/^ {2}(\S+) +http\S+ +pid (\d+)$/gm);
    return new Map(Array.from(lines, ([, name = "", pid]) => [name, Number(pid)]));
  }
}

/** Whether there is still a process with that number. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
