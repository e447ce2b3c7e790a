/** One process of the demo: the program of the app that is named. It ends when the demo is gone, however that went. */

/** How long it may drain then. Nobody is left to kill it. */
const DRAIN_WITHIN_MS = 5000;

process.once("disconnect", () => {
  setTimeout(() => process.exit(1), DRAIN_WITHIN_MS).unref();
  process.kill(process.pid, "SIGTERM"); // as anybody else would tell it
});
process.channel?.unref(); // listening to it keeps no process that has nothing else to do

const app = process.argv[2];
if (app === "gateway") await import("@podlink/gateway/main");
else if (app === "room") await import("@podlink/stateful-server/main");
else throw new Error(`there is no app ${String(app)}`);
