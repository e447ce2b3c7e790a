import type { Attempt } from "@podlink/testkit";
import { checkHistory, falsify, randomProgram, runPrograms, steppedTime } from "@podlink/testkit";
import { expect, test } from "vitest";
import { applyLinkOp } from "../../src/index.ts";
import { lossyStore } from "./lossy-store.ts";

test("three thousand operations on one link are judged, and one false reply among them is found", async () => {
  const time = steppedTime();
  let attempted: (attempt: Attempt) => boolean = () => false;
  const store = lossyStore({ seed: 5, loss: 0.02, time, onRepeat: (attempt) => attempted(attempt) });
  const program = randomProgram({ seed: 5, clients: 5, operations: 3000, uids: 1, rounds: 300 });
  const run = runPrograms([program], { stores: [store], time });
  ({ attempted } = run);
  const [history = { operations: [] }] = await run.histories;
  await store.quiet();
  expect(history.operations).toHaveLength(3000);
  expect(checkHistory(history, { model: applyLinkOp }).verdict).toBe("linearizable");
  const lie = falsify(history, { seed: 1, kind: "a token twice" });
  expect(checkHistory(lie?.history ?? history, { model: applyLinkOp }).verdict).toBe("contradiction");
});
