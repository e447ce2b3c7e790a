import type { PodChange } from "@podlink/state-cache";
import { expect, it } from "vitest";
import { ChangeQueue } from "../src/change-queue.ts";
import { rowOf } from "./world.ts";

function change(podIndex: number): PodChange {
  const times = { lastReportAtMs: 0, leaseOverAtMs: 0, firstSeenAtMs: 0 };
  const states = { goodbye: false, alive: true, available: true, routable: true, warmth: 1 };
  return { podIndex, current: { row: rowOf({ podIndex }), ...times, ...states } };
}

it("a change that a listener sets off waits for its turn", () => {
  const heard: string[] = [];
  const queue: ChangeQueue = new ChangeQueue(({ podIndex }) => {
    heard.push(`begin ${podIndex}`);
    if (podIndex === 1) {
      queue.add(change(3));
      queue.flush();
    }
    heard.push(`end ${podIndex}`);
  });
  queue.add(change(1));
  queue.add(change(2));
  queue.flush();
  expect(heard).toEqual(["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]);
});
