import type { MakeStore } from "../harness.ts";
import { describeStore } from "../subject.ts";
import { podCallTests } from "./calls.ts";
import { podEventTests } from "./events.ts";
import { leaveTests } from "./leave.ts";
import { loadTests } from "./load.ts";
import { lostLinkTests } from "./lost-links.ts";
import { readingTests } from "./readings.ts";
import { registerTests } from "./register.ts";
import { reportTests } from "./report.ts";
import { silenceTests } from "./silence.ts";
import { successorTests } from "./successors.ts";
import { workloadWriterTests } from "./workload-writer.ts";

/** Who the pods of a service are, as callers read and hear it. */
export function podDirectoryContract(name: string, makeStore: MakeStore): void {
  describeStore(`${name}: pod directory`, makeStore, (subject) => {
    readingTests(subject);
    loadTests(subject);
    silenceTests(subject);
    podEventTests(subject);
  });
}

/** A pod's own side: registration, reports, the goodbye, and what it is told. */
export function podRegistryContract(name: string, makeStore: MakeStore): void {
  describeStore(`${name}: pod registry`, makeStore, (subject) => {
    registerTests(subject);
    reportTests(subject);
    workloadWriterTests(subject);
    leaveTests(subject);
    successorTests(subject);
    lostLinkTests(subject);
    podCallTests(subject);
  });
}
