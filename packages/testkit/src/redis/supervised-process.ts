import type { ChildProcessByStdio } from "node:child_process";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { defer } from "@podlink/types";
import { outsideTests } from "./outside-tests.ts";

/**
 * A shell between us and the program. Its stdin is a pipe from us, which ends when we close it and when we are gone,
 * however we went: then the program is killed and its directory removed. The shell is the program's parent, so it never
 * kills a stranger that got its pid. Nothing else may hold the pipe; hence the closed descriptors.
 */
const SUPERVISOR = `
trap '' PIPE
directory=$1; shift
exec 3<&0
"$@" </dev/null >>"$directory/log" 2>&1 3<&- &
program=$!
echo "pid $program"
{ read -r nothing <&3; kill -9 "$program"; exit 0; } 2>/dev/null &
watcher=$!
wait "$program"
kill "$watcher" 2>/dev/null
if ! wait "$watcher"; then
  echo ended
  read -r keep <&3 && exit
fi
rm -rf -- "$directory"
`;

const WITHIN_MS = 10_000;

/** A program that dies with this process, however that ends; its output is in `<directory>/log`. */
export class SupervisedProcess {
  readonly #supervisor: ChildProcessByStdio<Writable, Readable, null>;
  readonly #pid = defer<number>();
  readonly #ended = defer<void>();
  readonly #left = defer<void>();
  #running = true;
  #knownPid: number | undefined;

  constructor(directory: string, command: readonly string[]) {
    const words = ["-c", SUPERVISOR, "redis-supervisor", directory, ...command];
    // A group of its own: a terminal's Ctrl-C ends us, and that ends it.
    this.#supervisor = outsideTests(() =>
      spawn("/bin/sh", words, { stdio: ["pipe", "pipe", "ignore"], detached: true }),
    );
    const { stdin, stdout } = this.#supervisor;
    for (const handle of [this.#supervisor, stdin, stdout]) (handle as { unref?(): void }).unref?.();
    stdin.on("error", () => undefined); // it may be gone already
    this.#pid.promise.catch(() => undefined); // whoever asks hears of it
    createInterface({ input: stdout }).on("line", (line) => this.#heard(line));
    this.#supervisor.on("error", (error) => this.#pid.reject(error));
    this.#supervisor.on("exit", () => {
      this.#heard("ended");
      this.#left.resolve();
    });
  }

  /** Known soon after it was made. */
  get pid(): Promise<number> {
    return inTime("start", this.#pid.promise);
  }

  get running(): boolean {
    return this.#running;
  }

  /** Resolves when it has ended, by itself or not. */
  get ended(): Promise<void> {
    return inTime("end", this.#ended.promise);
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#running || this.#knownPid === undefined) return;
    try {
      process.kill(this.#knownPid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // it has ended, and we hear of it in a moment
    }
  }

  /** Kills it, if it runs, and removes its directory. */
  async end(): Promise<void> {
    this.#supervisor.stdin.end();
    await inTime("end", this.#left.promise);
  }

  /** Once it has ended: leaves its directory to another one. */
  async leave(): Promise<void> {
    this.#supervisor.stdin.end("keep\n");
    await inTime("end", this.#left.promise);
  }

  #heard(line: string): void {
    const [word, number] = line.split(" ");
    if (word === "pid") {
      this.#knownPid = Number(number);
      this.#pid.resolve(this.#knownPid);
    } else {
      this.#running = false;
      this.#pid.reject(new Error("It ended before it started"));
      this.#ended.resolve();
    }
  }
}

/** The timer also keeps this process alive meanwhile: the supervisor's handles don't. */
const inTime = async <T>(what: string, promise: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`It did not ${what} within ${WITHIN_MS} ms`)), WITHIN_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};
