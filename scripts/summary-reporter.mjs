// Ends a vitest run with the one line that scripts/gates.mjs and CI read.
export default class SummaryReporter {
  /** @type {NonNullable<import("vitest/node").Reporter["onTestRunEnd"]>} */
  onTestRunEnd = (modules, unhandledErrors, reason) => {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      if (module.errors().length > 0) count.failed += 1; // the file itself didn't load
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        count[state === "pending" ? "failed" : state] += 1; // pending: never ended
      }
    }
    if (reason !== "passed" && count.failed === 0) count.failed = 1; // interrupted
    process.stdout.write(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
  };
}
