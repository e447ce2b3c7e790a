// A process that supervises programs, says which, and then ends in the way that its argument names.
import { Supervisor } from "../../src/index.ts";
import { app } from "./fixtures.ts";

const supervisor = new Supervisor();
const parent = await supervisor.start(app("parent", { env: { CHILD: "yes" } }));
const [, child] = await parent.says(/child (\d+)/);
const stopped = await supervisor.start(app("stopped", { env: { CHILD: "yes" } }));
const [, stoppedChild] = await stopped.says(/child (\d+)/);
stopped.pause();
const deaf = await supervisor.start(app("deaf", { ready: "message", env: { IGNORES_TERM: "yes" } }));
const early = supervisor.launch({ name: "early", command: ["sleep", "1000"] });
early.pause();
const pids = [early.pid, parent.pid, Number(child), stopped.pid, Number(stoppedChild), deaf.pid];
process.stdout.write(JSON.stringify({ pids, directories: [supervisor.logDirectory] }));
const ending = process.argv[2];
if (ending === "wait") setInterval(() => undefined, 1000);
if (ending === "exit") process.exit(3);
if (ending === "throw") throw new Error("unexpected");
