/** What podlink is tested with, for tests of your own service: faults, processes, watchers. Needs `@podlink/testkit` beside it. */
export * from "@podlink/testkit";
