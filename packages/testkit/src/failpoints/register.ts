/** For `node --import @podlink/testkit/failpoints`: makes happen what PODLINK_FAILPOINTS says, from the first line on. */
import { writeSync } from "node:fs";
import { parseFailpoints, VARIABLE } from "./environment.ts";
import { register } from "./failpoints.ts";

for (const { name, options, text } of parseFailpoints(process.env[VARIABLE] ?? "")) {
  register(name, options, () => say(`podlink failpoint ${name}: ${text}\n`));
}

/** At once: the process may be gone in a moment. */
function say(line: string): void {
  try {
    writeSync(process.stderr.fd, line);
  } catch {
    // nobody reads it
  }
}
