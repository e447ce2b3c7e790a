import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const fixture = fileURLToPath(new URL("./lone-pod.fixture.ts", import.meta.url));

it("a process with no listener left still finishes its drain, and then ends by itself", async () => {
  const run = promisify(execFile)(process.execPath, ["--import", "tsx", "-C", "@podlink/source", fixture]);
  expect((await run).stdout).toBe("drained\n");
});
