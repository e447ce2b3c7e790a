import { fakeClock } from "@podlink/testkit";
import { startRedis } from "@podlink/testkit/redis";
import type { FakeClock } from "@podlink/testkit";
import type { PodEvent, PodReading, SilentPod, Store } from "@podlink/types";
import { MemoryExecutor } from "@podlink/memory-executor";
import * as fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import type { Step } from "./pod-histories.ts";
import { histories, HOLDER } from "./pod-histories.ts";
import type { PodsStore } from "./pods-store.ts";
import { connectTo, podsStore, randomPrefix } from "./pods-store.ts";

const RUNS = 1000;
/** Each of these was the answer, or the state, at least so often in all runs together. */
const AT_LEAST = 100;

const redis = await startRedis();
const connection = connectTo(redis);
afterAll(async () => {
  await connection.close();
  await redis.end();
});

const reached = new Map<string, number>();
const reach = (what: string): void => void reached.set(what, (reached.get(what) ?? 0) + 1);

test(
  "random histories: registry and directory answer on Redis as in memory, readings and events too",
  { timeout: 120_000 },
  async () => {
    const property = fc.asyncProperty(histories, (history) => new Both().run(history));
    await fc.assert(property, { numRuns: RUNS });
    const wanted = [
      "registered",
      "adopted",
      "found another",
      "found none",
      "has to wait",
      "accepted",
      "gone",
      "superseded",
      "ignored",
      "left",
      "not left",
      "changed rows",
      "all rows",
      "silent",
      "report from the future",
      "published",
      "a number unpublished",
      "an old goodbye dropped",
    ];
    console.log(Object.fromEntries(reached));
    expect(wanted.filter((what) => (reached.get(what) ?? 0) < AT_LEAST)).toEqual([]);
  },
);

/** One service in memory and on Redis, both at the same time of the same clock. */
class Both {
  readonly #clock: FakeClock = fakeClock(1_700_000_000_000);
  readonly #memory: Store = new MemoryExecutor({ clock: this.#clock });
  readonly #redis: PodsStore = podsStore({
    connection,
    prefix: randomPrefix(),
    nowMs: () => Math.floor(this.#clock.wallMs()),
  });
  readonly #incarnations = new Map<string, number>();
  readonly #events: { readonly memory: PodEvent[]; readonly redis: PodEvent[] } = { memory: [], redis: [] };
  readonly #readings: PodReading[] = [];
  #sequence = 0;

  async run(history: readonly Step[]): Promise<void> {
    const { memory, redis: heard } = this.#events;
    this.#memory.watchPods("prod", "room", (event) => void memory.push(event));
    const watch = this.#redis.watchPods("prod", "room", (event) => void heard.push(event)) as unknown as {
      effective: Promise<void>;
      close(): void;
    };
    await watch.effective;
    heard.length = 0; // a subscription that took long begins with a gap
    for (const step of history) await this.#carryOut(step);
    await this.#carryOut({ step: "read", known: "none", silenceMs: 4500 });
    await expect.poll(() => heard.length).toBe(memory.length);
    expect(heard).toEqual(memory);
    watch.close();
  }

  async #carryOut(step: Step): Promise<void> {
    if (step.step === "advance") return this.#clock.advance(step.ms);
    if (step.step === "clock steps") return this.#clock.jumpWall(step.ms);
    if (step.step === "read") return this.#read(step);
    const name = { namespace: "prod", service: "room", podIndex: step.podIndex };
    const before = await this.#memory.readPods("prod", "room");
    const row = before.rows.find((one) => one.podIndex === step.podIndex);
    const life = step.life === HOLDER ? (row?.life ?? "life-a") : step.life;
    const own = `${life}/${step.podIndex}`;
    const incarnation = this.#incarnations.get(own) ?? 1;
    if (step.step === "leave") {
      const { left } = await this.#ask((store) => store.leave({ ...name, incarnation }));
      return reach(left ? "left" : "not left");
    }
    if (step.step === "report") {
      const { report, older } = step;
      const reportNumber = Math.max(1, (row?.reportNumber ?? 0) + step.ahead);
      const answer = await this.#ask((store) =>
        store.report({
          ...name,
          life,
          reportNumber,
          report,
          incarnation: older ? Math.max(1, incarnation - 1) : incarnation,
        }),
      );
      reach(answer.accepted ? "accepted" : answer.reason);
      return this.#noteSequence();
    }
    const { takeOver, floor, report } = step;
    const expected = { last: this.#incarnations.get(own), found: row?.incarnation, none: undefined, wrong: 5 }[
      step.expects
    ];
    const answer = await this.#ask((store) =>
      store.register({
        ...name,
        life,
        takeOver,
        report,
        generation: `g-${life}`,
        ...(expected === undefined ? undefined : { expected }),
        ...(floor === 0 ? undefined : { floor }),
      }),
    );
    const after = await this.#memory.readPods("prod", "room");
    if (after.rows.length < before.rows.length) reach("an old goodbye dropped");
    await this.#noteSequence();
    if (!answer.registered) return reach(answer.found === undefined ? "found none" : "found another");
    this.#incarnations.set(own, answer.incarnation);
    reach(answer.adopted === true ? "adopted" : "registered");
    if (answer.claimAfterMs > 0) reach("has to wait");
  }

  async #read({ known, silenceMs }: Step & { readonly step: "read" }): Promise<void> {
    const reading = {
      none: undefined,
      last: this.#readings.at(-1),
      first: this.#readings[0],
      ahead: this.#readings.at(-1),
    }[known];
    const { generation, sequence = 0 } = reading ?? {};
    const options =
      generation === undefined
        ? { silenceMs }
        : { silenceMs, known: { generation, sequence: sequence + (known === "ahead" ? 1 : 0) } };
    const answer = await this.#ask(async (store) => ordered(await store.readPods("prod", "room", options)));
    this.#readings.push(answer);
    reach(answer.complete ? "all rows" : "changed rows");
    if (answer.silentCount > 0) reach("silent");
    if (answer.silent.some(({ ageMs }) => ageMs < 0)) reach("report from the future");
  }

  /** How the last call changed the sequence, and whether watchers heard of it. */
  async #noteSequence(): Promise<void> {
    const { sequence } = await this.#memory.readPods("prod", "room");
    if (sequence === this.#sequence) return;
    this.#sequence = sequence;
    const last = this.#events.memory.at(-1);
    reach(last?.kind === "pod" && last.sequence === sequence ? "published" : "a number unpublished");
  }

  async #ask<R>(call: (store: Pick<Store, "register" | "report" | "leave" | "readPods">) => Promise<R>): Promise<R> {
    const [memory, answer] = [await call(this.#memory), await call(this.#redis)];
    expect(answer).toEqual(memory);
    return answer;
  }
}

/** Pods of the same age stand in no particular order. */
function ordered(reading: PodReading): PodReading {
  const byAge = (one: SilentPod, other: SilentPod): number => one.ageMs - other.ageMs || one.podIndex - other.podIndex;
  return { ...reading, silent: reading.silent.toSorted(byAge) };
}
