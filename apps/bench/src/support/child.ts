import { fork } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Preparation } from "../measure/figure.ts";
import type { CpuProfile } from "../measure/profile.ts";
import { recorded, repeated } from "../measure/profile.ts";

/** A process of the bench that answers one question after the other. */
export interface Child {
  readonly pid: number;
  /** False: it has ended, and answers nothing. */
  readonly isRunning: () => boolean;
  /** Rejects when it fails or ends instead of answering, or has ended. */
  ask<Answer>(question: object): Promise<Answer>;
  /** The processor's profile of that process during so many rounds. */
  readonly profiled: (rounds: number, round: () => Promise<void>) => Promise<CpuProfile>;
}

/** Asked of any child, beside what it answers itself. */
type ProfileQuestion = { readonly profile: "start" | "stop" };

/** As this one is: compiled by `npm run bench`, a source by tests. */
const EXTENSION = extname(import.meta.url);
const LOADER = EXTENSION === ".ts" ? ["--import", "tsx", "-C", "@podlink/source"] : [];

/** Starts `processes/<name>`; it is ended with the figure, and ends by itself when this process is gone. */
export async function startChild(name: string, { defer }: Pick<Preparation, "defer">): Promise<Child> {
  const program = fileURLToPath(new URL(`../processes/${name}${EXTENSION}`, import.meta.url));
  const child = fork(program, { execArgv: [...LOADER, "--expose-gc"] });
  await once(child, "spawn");
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  defer(async () => {
    if (!isRunning()) return;
    child.kill("SIGKILL"); // it holds nothing that matters
    await once(child, "exit");
  });
  const ask = <Answer>(question: object): Promise<Answer> =>
    new Promise<Answer>((resolve, reject) => {
      const ended = (): void => reject(new Error(`the process ${name} ended before it answered`));
      if (!isRunning()) return ended();
      child.once("exit", ended);
      child.once("message", (answer: { value: Answer } | { error: string }) => {
        child.off("exit", ended);
        if ("error" in answer) reject(new Error(`${name}: ${answer.error}`));
        else resolve(answer.value);
      });
      child.send(question, (error) => error !== null && ended());
      return undefined;
    });
  return {
    pid: child.pid!,
    isRunning,
    ask,
    profiled: async (rounds, round) => {
      await ask({ profile: "start" } satisfies ProfileQuestion);
      await repeated(rounds, round);
      return ask({ profile: "stop" } satisfies ProfileQuestion);
    },
  };
}

/** The other side of {@link startChild}: what a process answers to each question. */
export function answerParent<Question>(answer: (question: Question) => unknown): void {
  process.once("disconnect", () => process.exit(1));
  process.on("SIGINT", () => undefined); // of the terminal; the parent ends this process
  const profile = profiler();
  process.on("message", (question: Question | ProfileQuestion) => {
    void Promise.resolve()
      .then(() => (isProfileQuestion(question) ? profile(question) : answer(question)))
      .then(
        (value) => process.send?.({ value }),
        (error: unknown) => process.send?.({ error: error instanceof Error ? error.stack : String(error) }),
      );
  });
}

const isProfileQuestion = (question: unknown): question is ProfileQuestion =>
  typeof question === "object" && question !== null && "profile" in question;

function profiler(): (question: ProfileQuestion) => Promise<CpuProfile> | undefined {
  let stop = (): void => undefined;
  let made: Promise<CpuProfile> | undefined;
  return ({ profile }) => {
    stop();
    const stopped = made;
    made = profile === "start" ? recorded(() => new Promise((resolve) => (stop = resolve))) : undefined;
    return stopped;
  };
}
