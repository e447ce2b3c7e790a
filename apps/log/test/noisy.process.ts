// Logs many times more than may wait, a bit in every turn, then says so and ends when it is let go.
import { setImmediate as turn } from "node:timers/promises";
import { programLog } from "@podlink/log";

const log = programLog({ name: "noisy" });
const text = "x".repeat(1000);
for (let lines = 0; lines < 20_000; lines += 1) {
  log.info({ lines }, text);
  if (lines % 100 === 0) await turn();
}
process.send?.("logged");
process.once("message", () => process.disconnect());
