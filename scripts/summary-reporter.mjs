// Ends a vitest run with a line for each failed and each skipped test, and the one line that scripts/gates.mjs and CI read.
export default class SummaryReporter {
  #isFiltered = false;

  /** @type {NonNullable<import("vitest/node").Reporter["onInit"]>} */
  onInit = (vitest) => {
    this.#isFiltered = vitest.config.testNamePattern !== undefined; // then all others are left out, on purpose
  };

  /** @type {NonNullable<import("vitest/node").Reporter["onTestRunEnd"]>} */
  onTestRunEnd = (modules, unhandledErrors, reason) => {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    /** @type {(what: string, error: { message?: string } | undefined) => void} */
    const tellFailed = (what, error) =>
      void process.stdout.write(
        `failed: ${what}: ${(error?.message ?? "never ended").replaceAll(/\s+/g, " ").slice(0, 400)}\n`,
      );
    for (const error of unhandledErrors) tellFailed("outside of any test", error);
    for (const module of modules) {
      if (module.errors().length > 0) {
        count.failed += 1; // the file itself didn't load
        tellFailed(`${module.project.name} ${module.relativeModuleId}`, module.errors()[0]);
      }
      for (const test of module.children.allTests()) {
        const result = test.result();
        count[result.state === "pending" ? "failed" : result.state] += 1; // pending: never ended
        if (result.state === "failed" || result.state === "pending")
          tellFailed(`${module.project.name} ${module.relativeModuleId} > ${test.fullName}`, result.errors?.[0]);
        if (result.state !== "skipped" || this.#isFiltered) continue;
        if (result.note === undefined) count.failed += 1; // a test that is left out without a reason
        process.stdout.write(`skipped: ${test.fullName}: ${result.note ?? "NO REASON GIVEN"}\n`);
      }
    }
    if (reason !== "passed" && count.failed === 0) count.failed = 1; // interrupted
    process.stdout.write(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
  };
}
