import { RouteError } from "@podlink/types";
import { describe, expect, it } from "vitest";
import * as api from "@podlink/load-balancer";
import { snapshotOf } from "./snapshots.ts";

describe("strategies by name", () => {
  it.each(Object.entries(api.balancerByName))("%s chooses a pod", (_, make) => {
    expect(make().select(snapshotOf([{}]))).toBe(0);
  });

  it.each(Object.entries(api.balancerByName))("fault 23: %s refuses an unknown option and a bad one", (_, make) => {
    for (const options of [{ ranbow: 1 }, { random: 4 }]) {
      const act = (): unknown => make(options as { random?: () => number });
      expect(act).toThrow(RouteError);
      expect(act).toThrow(/ranbow|random/);
    }
  });

  it("the public names are these", () => {
    expect(Object.keys(api).toSorted()).toEqual(["balancerByName", "powerOfTwoChoices", "roundRobin"]);
  });
});
