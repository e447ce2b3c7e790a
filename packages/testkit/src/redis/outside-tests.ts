import { AsyncResource } from "node:async_hooks";

const outside = new AsyncResource("PodlinkRedisHarness");

/** Runs it outside of the caller's async context: what it opens is the harness's, not of the test that happened to ask first. */
export const outsideTests = <T>(fn: () => T): T => outside.runInAsyncScope(fn);
