// Passes three points that can wait and one that can't, and says what became of each.
import { failpoint } from "@podlink/types/failpoint";

async function pass(name: string, call: () => Promise<void> | void | undefined): Promise<void> {
  try {
    await call();
    process.stdout.write(`${name} passed\n`);
  } catch (error) {
    process.stdout.write(`${name} failed: ${(error as Error).message}\n`);
  }
}

process.on("exit", () => process.stdout.write("finally\n"));
for (const uid of ["ann", "bob", "carl"]) await pass("before-claim", () => failpoint("before-claim", { uid }));
const context = { namespace: "n", service: "s", uid: "ann", kind: "get", opId: undefined, mayHaveRun: true };
await pass("before-repeat", () => failpoint("before-repeat", context));
