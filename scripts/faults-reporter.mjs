// Collects what the rows of the fault catalogue proved, for scripts/faults.mjs.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { absolute } from "./workspace.mjs";

export const REPORT = absolute(".cache/faults.json");

/** @typedef {{ row: number, title: string, file: string, state: string, injected: string[], requestsDuring: number, seen: string }} RowTest */

export default class FaultsReporter {
  /** @type {NonNullable<import("vitest/node").Reporter["onTestRunEnd"]>} */
  onTestRunEnd = (modules) => {
    /** @type {RowTest[]} */
    const tests = [];
    // Not as they ran: vitest begins with those that took longest the last time.
    for (const module of modules.toSorted((a, b) => (a.relativeModuleId < b.relativeModuleId ? -1 : 1)))
      for (const test of module.children.allTests()) {
        const [, row, title = ""] = /^row (\d+): (.*)$/.exec(test.name) ?? [];
        if (row === undefined) continue;
        const { faultRow } = /** @type {{ faultRow?: Pick<RowTest, "injected" | "requestsDuring" | "seen"> }} */ (
          test.meta()
        );
        const { injected = [], requestsDuring = 0, seen = "" } = faultRow ?? {};
        const { state } = test.result();
        tests.push({ row: Number(row), title, file: module.relativeModuleId, state, injected, requestsDuring, seen });
      }
    mkdirSync(dirname(REPORT), { recursive: true });
    writeFileSync(REPORT, JSON.stringify(tests));
  };
}
