import type { PodReading, PodRow, Store } from "@podlink/types";
import { isGoodbye } from "@podlink/types";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { MakeStore } from "../harness.ts";
import type { RegisteredPod } from "../pods/service-probe.ts";
import { podReport, ServiceProbe } from "../pods/service-probe.ts";
import type { Subject } from "../subject.ts";
import { describeStore } from "../subject.ts";
import type { PropertyOptions } from "./invariants.ts";

/** One step of processes that fight for a few pod indexes. */
type PodStep =
  | {
      readonly step: "register";
      readonly process: number;
      readonly podIndex: number;
      readonly expects: "last" | "read" | "none";
      readonly takeOver: "wait" | "now";
    }
  | {
      readonly step: "report";
      readonly process: number;
      readonly podIndex: number;
      readonly reportNumber: number;
      readonly serviceState: "Ready" | "NotReady";
      readonly loadScore: number;
    }
  | { readonly step: "leave"; readonly process: number; readonly podIndex: number }
  | { readonly step: "advance"; readonly ms: number };

const process = fc.integer({ min: 0, max: 2 });
const podIndex = fc.integer({ min: 0, max: 1 });

const podHistories: fc.Arbitrary<readonly PodStep[]> = fc.array(
  fc.oneof(
    fc.record({
      step: fc.constant("register" as const),
      process,
      podIndex,
      expects: fc.constantFrom("last", "read", "none"),
      takeOver: fc.constantFrom("wait", "now"),
    }),
    fc.record({
      step: fc.constant("report" as const),
      process,
      podIndex,
      reportNumber: fc.integer({ min: 1, max: 6 }),
      serviceState: fc.constantFrom("Ready", "NotReady"),
      loadScore: fc.integer({ min: 0, max: 100 }),
    }),
    fc.record({ step: fc.constant("leave" as const), process, podIndex }),
    fc.record({ step: fc.constant("advance" as const), ms: fc.constantFrom(1, 500, 5000) }),
  ),
  { maxLength: 40 },
);

/** What holds for every history of a service's pods, whoever registers, reports and leaves in which order. */
export function podRegistryProperties(name: string, makeStore: MakeStore, options: PropertyOptions = {}): void {
  const { numRuns = 200 } = options;
  describeStore(`${name}: properties of pods`, makeStore, (subject) => {
    test("random processes: incarnations grow, no late packet overwrites, what follows the sequence sees every change", async () => {
      const property = fc.asyncProperty(podHistories, (history) => new PodHistory(subject).run(history));
      await fc.assert(property, { numRuns });
    });
  });
}

/** Carries out a history step by step, comparing the rows before and after. */
class PodHistory {
  readonly #subject: Subject<Store>;
  readonly #service: ServiceProbe;
  /** What each process last heard of its own registration of a pod index. */
  readonly #registered = new Map<string, RegisteredPod>();
  /** The rows as a reader has them who follows the sequence. */
  readonly #followed = new Map<number, PodRow>();
  #reading: PodReading | undefined;

  constructor(subject: Subject<Store>) {
    this.#subject = subject;
    this.#service = new ServiceProbe(subject);
  }

  async run(history: readonly PodStep[]): Promise<void> {
    let before = await this.#service.read();
    for (const step of history) {
      const mayWrite = await this.#carryOut(step, before);
      const after = await this.#service.read();
      this.#compare(before, after, mayWrite);
      await this.#follow(after);
      before = after;
    }
  }

  /** The pod index whose row the step may have changed, by its own answer. Undefined: none. */
  async #carryOut(step: PodStep, before: PodReading): Promise<number | undefined> {
    if (step.step === "advance") {
      await this.#subject.advance(step.ms);
      return undefined;
    }
    const life = `life-${step.process}`;
    const key = `${life}/${step.podIndex}`;
    const own = this.#registered.get(key) ?? { podIndex: step.podIndex, life, incarnation: 1 };
    if (step.step === "leave") return (await this.#service.leave(own)).left ? step.podIndex : undefined;
    if (step.step === "report") {
      const { reportNumber, serviceState, loadScore } = step;
      const answer = await this.#service.report(own, { serviceState, loadScore }, { reportNumber });
      return answer.accepted ? step.podIndex : undefined;
    }
    const found = before.rows.find((row) => row.podIndex === step.podIndex)?.incarnation;
    const expected = { last: this.#registered.get(key)?.incarnation, read: found, none: undefined }[step.expects];
    const answer = await this.#service.register({
      podIndex: step.podIndex,
      life,
      takeOver: step.takeOver,
      report: podReport({ serviceState: "Pending" }),
      ...(expected === undefined ? undefined : { expected }),
    });
    if (!answer.registered) return undefined;
    expect(expected === found || answer.adopted === true, "registered, although another row was there").toBe(true);
    this.#registered.set(key, { podIndex: step.podIndex, life, incarnation: answer.incarnation });
    return answer.adopted === true ? undefined : step.podIndex;
  }

  #compare(before: PodReading, after: PodReading, mayWrite: number | undefined): void {
    expect(after.sequence).toBeGreaterThanOrEqual(before.sequence);
    if (before.generation !== undefined) expect(after.generation).toBe(before.generation);
    for (const row of after.rows) {
      const old = before.rows.find((one) => one.podIndex === row.podIndex);
      expect(row.sequence).toBeLessThanOrEqual(after.sequence);
      if (row.podIndex !== mayWrite) expect(row, "a row that nobody was allowed to write").toEqual(old);
      else if (old !== undefined) compareRows(old, row);
    }
    expect(after.rows.length).toBeGreaterThanOrEqual(before.rows.length);
  }

  async #follow(whole: PodReading): Promise<void> {
    this.#reading = await (this.#reading === undefined ? this.#service.read() : this.#service.readSince(this.#reading));
    for (const row of this.#reading.rows) this.#followed.set(row.podIndex, row);
    const routing = ({ podIndex: index, incarnation, serviceState, routingState, sequence }: PodRow) => ({
      index,
      incarnation,
      serviceState,
      routingState,
      sequence,
    });
    const followed = Array.from(this.#followed.values()).toSorted((one, other) => one.podIndex - other.podIndex);
    expect(followed.map(routing), "what a reader has who follows").toEqual(whole.rows.map(routing));
  }
}

function compareRows(old: PodRow, row: PodRow): void {
  if (row.incarnation !== old.incarnation) {
    expect(row.incarnation, "the incarnation").toBeGreaterThan(old.incarnation);
    expect(row.sequence).toBeGreaterThan(old.sequence);
    return;
  }
  expect(row.life).toBe(old.life);
  if (isGoodbye(old)) expect(row, "a goodbye").toEqual(old);
  else if (!isGoodbye(row)) expect(row.reportNumber, "the report's number").toBeGreaterThan(old.reportNumber);
}
