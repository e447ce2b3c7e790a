import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("./member.process.ts", import.meta.url));

/** A gateway or pod of a test in its own process; it dies with the test. */
export class Member {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(redisUrl: string, ...words: readonly string[]): Promise<Member> {
    const child = spawn(process.execPath, ["--import", "tsx", "-C", "@podlink/source", program, ...words], {
      env: { ...process.env, REDIS_URL: redisUrl },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`${words.join(" ")} ended before it listened: ${String(code)}`);
    });
    ended.catch(() => undefined);
    const [message] = (await Promise.race([once(child, "message"), ended])) as [{ url: string }];
    return new Member(child, message.url);
  }

  /** As by the kernel, or an operator in a hurry. */
  async kill9(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }
}
