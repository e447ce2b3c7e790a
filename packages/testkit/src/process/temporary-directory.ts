import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outsideTests } from "./outside-tests.ts";

/**
 * Waits for the end of a pipe from us, which ends when we are gone, and removes the directory. Programs that are being
 * killed at the same moment may still write there; hence more than one try.
 */
const REMOVER = `
trap '' HUP INT QUIT TERM
read -r nothing
for try in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf -- "$1" && exit
  sleep 1
done
`;

let root: string | undefined;

/** A new directory, which is removed when this process is gone, however it went, if not before. */
export function temporaryDirectory(name: string): string {
  root ??= makeRoot();
  return mkdtempSync(join(root, `${name}-`));
}

function makeRoot(): string {
  const directory = mkdtempSync(join(tmpdir(), "podlink-"));
  outsideTests(() => {
    const remover = spawn("/bin/sh", ["-c", REMOVER, "podlink-testkit", directory], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true, // a terminal's Ctrl-C ends us, and that ends it
      cwd: "/",
    });
    remover.on("error", () => undefined); // without it the directory stays: no reason to fail
    for (const handle of [remover, remover.stdin]) (handle as { unref?(): void }).unref?.();
  });
  return directory;
}
