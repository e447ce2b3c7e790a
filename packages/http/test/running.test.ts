import { describe, expect, it } from "vitest";
import type { UnderWay } from "../src/running.ts";
import { Running } from "../src/running.ts";

interface Named extends UnderWay {
  readonly name: string;
}

function named(name: string): Named {
  return { name, place: undefined, cut: () => undefined, podEnded: () => undefined };
}

function namesIn(running: Running<Named>): string[] {
  const names: string[] = [];
  running.forEach(({ name }) => names.push(name));
  return names.toSorted();
}

describe("what is under way", () => {
  it("is each that was added and not deleted, wherever it stood", () => {
    const running = new Running<Named>();
    const all = ["a", "b", "c", "d"].map(named);
    const [first, second, , last] = all as [Named, Named, Named, Named];
    for (const one of all) running.add(one);
    running.delete(first);
    expect(namesIn(running)).toEqual(["b", "c", "d"]);
    running.delete(last);
    running.delete(second);
    expect(namesIn(running)).toEqual(["c"]);
    running.add(first);
    expect(namesIn(running)).toEqual(["a", "c"]);
    expect(running.size).toBe(2);
  });

  it("loses nobody else when one is deleted twice", () => {
    const running = new Running<Named>();
    const [one, other] = [named("one"), named("other")];
    running.add(one);
    running.add(other);
    running.delete(one);
    running.delete(one);
    expect(namesIn(running)).toEqual(["other"]);
  });

  it("each is told although telling one deletes others", () => {
    const running = new Running<Named>();
    const all = ["a", "b", "c"].map(named);
    for (const one of all) running.add(one);
    const told: string[] = [];
    running.forEach(({ name }) => {
      told.push(name);
      for (const one of all) running.delete(one);
    });
    expect(told).toEqual(["a", "b", "c"]);
  });

  it("whoever waits hears when the last is deleted", async () => {
    const running = new Running<Named>();
    const [one, other] = [named("one"), named("other")];
    running.add(one);
    running.add(other);
    const empty = running.whenEmpty();
    running.delete(one);
    running.delete(other);
    await empty;
  });
});
