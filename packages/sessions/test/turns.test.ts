import fc from "fast-check";
import { expect, test } from "vitest";
import { Turns } from "../src/turns.ts";

test("whoever comes and goes, one has the turn, in the order of arrival, and nobody is forgotten", async () => {
  const steps = fc.array(fc.oneof(fc.constant("join"), fc.constant("done"), fc.nat({ max: 9 })), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const turns = new Turns({ taken: false });
      const queue: { readonly id: number; readonly leave: () => void }[] = [];
      const had: number[] = [];
      let holder: number | undefined;
      let next = 0;
      for (const step of script) {
        if (step === "join") {
          const id = (next += 1);
          if (turns.tryTake()) {
            expect(holder).toBeUndefined();
            holder = id;
          } else {
            const { ready, leave } = turns.join();
            queue.push({ id, leave });
            void ready.then(() => {
              expect([holder, queue.shift()?.id]).toEqual([undefined, id]);
              holder = id;
              had.push(id);
            });
          }
        } else if (step === "done") {
          if (holder === undefined) continue;
          holder = undefined;
          turns.done();
        } else {
          queue.splice(step, 1)[0]?.leave(); // gives up, from anywhere in the queue
        }
        await Promise.resolve();
        expect(turns.waiting).toBe(queue.length);
        expect(holder === undefined).toBe(queue.length === 0 && turns.tryTake() && (turns.done(), true));
      }
      expect(had).toEqual(had.toSorted((a, b) => a - b));
    }),
  );
});

test("a turn that comes to one who gives up at that moment goes to the next", async () => {
  const turns = new Turns({ taken: true });
  const [first, second] = [turns.join(), turns.join()];
  turns.done();
  first.leave();
  await second.ready;
  expect(turns.tryTake()).toBe(false);
  turns.done();
  expect(turns.tryTake()).toBe(true);
});
