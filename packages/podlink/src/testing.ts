/** What podlink is tested with, for tests of your own service or store: contract suites, clocks, faults. Needs vitest. */
export * from "@podlink/testkit";
