import { fork } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";

test("a log that nobody reads holds nobody up and keeps no more than a megabyte; whole lines come out later", async () => {
  const script = new URL("noisy.process.ts", import.meta.url);
  const execArgv = ["--import", "tsx", "-C", "@podlink/source"];
  const child = fork(script, { execArgv, stdio: ["ignore", "pipe", "inherit", "ipc"] });
  try {
    await once(child, "message"); // it has logged 20 MB, and stdout was not read so far
    child.send("end");
    const chunks: Buffer[] = [];
    for await (const chunk of child.stdout ?? []) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    expect(text.length).toBeGreaterThan(1_000_000);
    expect(text.length, "what waited, and what the pipe took").toBeLessThan(2_000_000);
    const numbers = text
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { lines: number }).lines);
    expect(numbers[0]).toBe(0);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  } finally {
    child.kill("SIGKILL");
  }
});
