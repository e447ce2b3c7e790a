import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

interface Started {
  readonly child: ChildProcess;
  readonly pids: number[];
  readonly directories: string[];
}

const program = fileURLToPath(new URL("starts-servers.fixture.ts", import.meta.url));

/** A process of its own that has started servers, and then does as it is told. */
async function startChild(ending: string): Promise<Started> {
  const args = ["--import", "tsx", "-C", "@podlink/source", program, ending];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { child, ...(JSON.parse(line.toString()) as Omit<Started, "child">) };
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test.each([
  { how: "is killed with SIGKILL", ending: "wait", signal: "SIGKILL" },
  { how: "is told to end", ending: "wait", signal: "SIGTERM" },
  { how: "throws", ending: "throw", signal: undefined },
  { how: "exits", ending: "exit", signal: undefined },
  { how: "has nothing left to do", ending: "nothing", signal: undefined },
] as const)("servers and their files are gone when the process that started them $how", async ({ ending, signal }) => {
  const { child, pids, directories } = await startChild(ending);
  expect(pids).toHaveLength(3);
  if (signal) {
    expect(pids.map(runs)).toEqual([true, true, false]); // running, stopped, killed before
    expect(directories.map(existsSync)).toEqual([true, true, true]);
    child.kill(signal);
  }
  await expect.poll(() => pids.filter(runs), { timeout: 20_000 }).toEqual([]);
  await expect.poll(() => directories.filter(existsSync), { timeout: 20_000 }).toEqual([]);
});
