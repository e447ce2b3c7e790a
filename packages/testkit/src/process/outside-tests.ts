import { AsyncResource } from "node:async_hooks";

const outside = new AsyncResource("PodlinkTestkit");

/** Runs it outside of the caller's async context: what it opens is this package's, not of the test that happened to ask first. */
export const outsideTests = <T>(fn: () => T): T => outside.runInAsyncScope(fn);
