import type { SupervisedApp } from "@podlink/testkit";
import { Supervisor } from "@podlink/testkit";

/** What the environment of the tests may say, and the demo is not to hear. */
const unsaid = { REDIS_URL: "", SESSION_REDIS_URL: "", LOG_LEVEL: "warn" };

/** The demo as its own process, as `npm start -- <args>` makes it. */
export class DemoProcess {
  readonly #app: SupervisedApp;

  private constructor(app: SupervisedApp) {
    this.#app = app;
  }

  /** Makes them, and kills what is left of them. */
  static several(): {
    start: (environment: Readonly<Record<string, string>>, args?: readonly string[]) => DemoProcess;
    endAll: () => Promise<void>;
  } {
    let supervisor = new Supervisor();
    return {
      start(environment, args = []) {
        const name = `demo-${supervisor.apps.length}`;
        const script = new URL("../../src/main.ts", import.meta.url);
        const node = { script, args, execArgv: ["--import", "tsx", "-C", "@podlink/source"] };
        return new DemoProcess(supervisor.launch({ name, node, env: { ...unsaid, ...environment } }));
      },
      async endAll() {
        await supervisor.end();
        supervisor = new Supervisor();
      },
    };
  }

  get output(): string {
    return this.#app.log();
  }

  signal(signal: NodeJS.Signals): void {
    this.#app.signal(signal);
  }

  says(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#app.says(pattern, { withinMs: 45_000 });
  }

  /** The exit code, once it has ended. */
  async ended(): Promise<number | undefined> {
    return (await this.#app.whenEnded()).code;
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
