// A pod that nothing but its own drain keeps alive; says when the drain has ended.
import { MemoryExecutor } from "@podlink/memory-executor";
import { joinAsPod } from "../src/index.ts";

const server = { propagationMs: 50, stop: { deadlineMs: 6000 } };
const pod = await joinAsPod({ store: new MemoryExecutor(), namespace: "test", service: "room", podIndex: 0, server });
pod.ready();
await pod.stop();
process.stdout.write("drained\n");
