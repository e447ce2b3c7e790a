import { readFileSync } from "node:fs";
import * as v from "valibot";
import { expect, test } from "vitest";
import { serverDriverOptions } from "../src/index.ts";

const page = readFileSync(new URL("../../../docs/kubernetes.md", import.meta.url), "utf8");
const defaults = v.parse(serverDriverOptions, { namespace: "prod", service: "room", podIndex: 0 });

/** The first figure that the page has there. */
const said = (where: RegExp): number => Number(where.exec(page)?.[1]);

test("the manifest gives a pod more time than its drain may take", () => {
  const graceMs = said(/terminationGracePeriodSeconds: (\d+)/) * 1000;
  expect(graceMs).toBeGreaterThan(defaults.stop.deadlineMs);
  expect(said(/stop\.deadlineMs \((\d+) s\)/) * 1000).toBe(defaults.stop.deadlineMs);
  expect(said(/, and (\d+) s for `after`/) * 1000).toBe(graceMs - defaults.stop.deadlineMs);
});

test("the times on the page are the defaults", () => {
  expect(said(/\| (\d+) s \| `propagationMs` \|/) * 1000).toBe(defaults.propagationMs);
  expect(said(/(\d+) users a second/)).toBe(defaults.drainRatePerSecond);
  expect(said(/at most (\d+) s for one user/) * 1000).toBe(defaults.handOffTimeoutMs);
  expect(said(/\| (\d+) s after SIGTERM at the latest \|/) * 1000).toBe(defaults.stop.deadlineMs);
  expect(said(/`overloadScore` \((\d+)\)/)).toBe(defaults.overloadScore);
});
