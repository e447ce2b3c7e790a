import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { failpointsInChild } from "../../src/index.ts";

const program = fileURLToPath(new URL("./passes-points.fixture.ts", import.meta.url));
const packageFolder = fileURLToPath(new URL("../..", import.meta.url));
const TYPESCRIPT = ["--import", "tsx", "-C", "@podlink/source"];

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** A process that passes some points and says what became of each. */
async function run(words: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const child = spawn(process.execPath, [...TYPESCRIPT, ...words, program], {
    cwd: packageFolder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [[code, signal], out, err] = await Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
  return { code: code as number | null, signal: signal as NodeJS.Signals | null, out, err };
}
const runWith = (points: string): Promise<Ended> => {
  const { execArgv, env } = failpointsInChild(points);
  return run(execArgv, env);
};

const PASSED = "before-claim passed\nbefore-claim passed\nbefore-claim passed\nbefore-repeat passed\nfinally\n";

test("exit: the process is gone by SIGKILL, nothing after the point happens, and stderr says where", async () => {
  expect(await runWith("before-claim=exit")).toEqual({
    code: null,
    signal: "SIGKILL",
    out: "",
    err: "podlink failpoint before-claim: exit\n",
  });
});

test("throw, counted, and after calls that pass", async () => {
  const { out, err, code } = await runWith("before-claim=1*off->1*throw");
  expect(out).toBe(PASSED.replace(/(passed\n.*) passed/, "$1 failed: thrown by failpoint before-claim"));
  expect(err).toBe("podlink failpoint before-claim: throw\n");
  expect(code).toBe(0);
});

test("one after another, at several points", async () => {
  const { out, err, signal } = await runWith(" before-claim = 1*pause(10) -> 1*throw ; before-repeat = exit ; ");
  expect(out).toBe(
    PASSED.replace(/(passed\n.*) passed/, "$1 failed: thrown by failpoint before-claim").split("before-r")[0],
  );
  expect(err.split("\n")).toEqual([
    "podlink failpoint before-claim: pause(10)",
    "podlink failpoint before-claim: throw",
    "podlink failpoint before-repeat: exit",
    "",
  ]);
  expect(signal).toBe("SIGKILL");
});

test("by the package's name from a folder where it is installed, as anybody starts a process", async () => {
  const named = ["--import", "@podlink/testkit/failpoints"];
  const { signal, out } = await run(named, { PODLINK_FAILPOINTS: "before-repeat=exit" });
  expect({ signal, out }).toEqual({ signal: "SIGKILL", out: PASSED.split("before-r")[0] });
  const without = await run(named, { PODLINK_FAILPOINTS: "" });
  expect(without).toEqual({ code: 0, signal: null, out: PASSED, err: "" });
});

test("a value that can't be read ends the process before its first line, and says which part is wrong", async () => {
  const { code, out, err } = await run(["--import", "@podlink/testkit/failpoints"], {
    PODLINK_FAILPOINTS: "after-claim=exit;before-claim=2*trow",
  });
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toContain(
    'PODLINK_FAILPOINTS: "2*trow" must be exit, throw, pause, pause(milliseconds) or off, or as 3*throw',
  );
});

test.each([
  ["after-remove", 'PODLINK_FAILPOINTS: "after-remove" must say what happens, as in after-remove=exit'],
  ["after-remov=exit", /^PODLINK_FAILPOINTS: "after-remov=exit": a failpoint must be one of before-register, /],
  ["after-remove=", 'PODLINK_FAILPOINTS: "" must be exit, throw'],
  ["after-remove=exit(3)->", /: after-remove.ms must be absent unless the action is pause; got 3$/],
  ["after-remove=pause(3s)", '"pause(3s)" must be exit, throw, pause, pause(milliseconds)'],
  ["after-remove=-1*exit", '"-1*exit" must be'],
  ["after-remove=0*exit", /after-remove=0\*exit.*after-remove.times must be a whole number, at least 1; got 0/],
  ["after-remove=off(3)", '"off(3)" must be off, or as 3*off'],
  ["after-remove=exit->throw", '"throw" must follow something that is counted, as in 2*off->exit'],
  ["before-repeat=pause", /"before-repeat=pause": before-repeat.ms must be given/],
])("%s is refused before any process is started", (points, message) => {
  expect(() => failpointsInChild(points)).toThrow(message);
});
