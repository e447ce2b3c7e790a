import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LinkHistory } from "@podlink/testkit";
import { assertLinearizable, checkHistory, loadHistory, replayCases, saveHistory } from "@podlink/testkit";
import { afterAll, expect, test } from "vitest";
import { applyLinkOp } from "../../src/index.ts";
import { lossyHistories } from "./lossy-histories.ts";
import { FIRST, historyOf, naming, reservation, UNKNOWN } from "./told.ts";

const folder = mkdtempSync(join(tmpdir(), "podlink-history-"));
afterAll(() => rmSync(folder, { recursive: true }));

const one = reservation(1, FIRST);
const twoWinners = historyOf(
  [
    { client: "alice", asked: { kind: "setIfAbsent", ...naming(1) }, at: [1, 4], told: { created: true, link: one } },
    {
      client: "bob",
      asked: { kind: "setIfAbsent", ...naming(2) },
      at: [2, 3],
      told: { created: true, link: reservation(2, FIRST + 5) },
    },
    { client: "bob", asked: { kind: "get" }, at: [5, 6], told: one },
  ],
  { ownedTtlMs: 5000 },
);

test("every kept case has the verdict that it is to have", () => {
  const cases = replayCases(join(import.meta.dirname, "cases"), { model: applyLinkOp });
  expect(cases.length).toBeGreaterThanOrEqual(4);
  for (const { file, expected, note, verdict } of cases) expect(verdict.verdict, `${file}: ${note}`).toBe(expected);
});

test("a saved history is loaded as it was", async () => {
  const [random] = await lossyHistories({ firstSeed: 80_000, count: 1 });
  const file = join(folder, "deep", "random.json");
  const saved = { history: random ?? twoWinners, seed: 80_000, note: "random", expected: "linearizable" as const };
  saveHistory(file, saved);
  expect(loadHistory(file)).toEqual(saved);
  saveHistory(file, { history: twoWinners });
  expect(loadHistory(file)).toEqual({ history: twoWinners });
});

test.each([
  ["{", /JSON/],
  ['{"format":"x"}', /format must be "podlink link history"/],
  ['{"format":"podlink link history","version":2}', /version must be 1/],
  ['{"format":"podlink link history","version":1,"sead":1}', /sead must be one of the fields/],
  ['{"format":"podlink link history","version":1}', /history must be an object/],
  [
    '{"format":"podlink link history","version":1,"history":{"operations":[{"id":"a","client":"c","called":2,"returned":1,"outcome":{"kind":"unknown"},"times":[1]}]}}',
    /history\.operations\[0\]\.returned must be after the call; got 1/,
  ],
])("a file that is no history is refused with the field and the rule: %s", (text, message) => {
  const file = join(folder, "bad.json");
  writeFileSync(file, text);
  expect(() => loadHistory(file)).toThrow(message);
  expect(() => loadHistory(file)).toThrow(file);
});

test("a contradiction is shrunk, saved with its seed, and thrown so that a person sees it", () => {
  const saveTo = join(folder, "failed");
  const assert = () => assertLinearizable(twoWinners, { model: applyLinkOp, seed: 7, saveTo });
  expect(assert).toThrow(/^seed 7: No order of the operations on prod\/room\/alice explains/);
  expect(readdirSync(saveTo).toSorted()).toEqual(["7.json", "7.small.json"]);
  const { history, seed } = loadHistory(join(saveTo, "7.small.json"));
  expect(seed).toBe(7);
  expect(checkHistory(history, { model: applyLinkOp }).verdict).toBe("contradiction");
});

test("the explanation shows who was told what, how far an order gets, and why no further", () => {
  const checked = checkHistory(twoWinners, { model: applyLinkOp });
  expect("explanation" in checked ? checked.explanation : checked.verdict).toMatchInlineSnapshot(`
    "No order of the operations on prod/room/alice explains what their callers were told.

    id  client  called |---| returned  asked                          store's time  told
    o1  alice   |-----|                setIfAbsent pod 1, persistent  +0            created, [reservation of pod 1, token 1000000000]
    o2  bob       |-|                  setIfAbsent pod 2, persistent  +0            created, [reservation of pod 2, token 1000000005]
    o3  bob             |-|            get                            +0            [reservation of pod 1, token 1000000000]
    (times are in ms after 1000000)

    The longest order that was found explains 1 of 3 answers:
      o1  setIfAbsent pod 1, persistent  at +0  created, [reservation of pod 1, token 1000000000]
    Then the link is: [reservation of pod 1, token 1000000000], at +0

    What could come next, and why it can't:
      o2  setIfAbsent pod 2, persistent
          was told      created, [reservation of pod 2, token 1000000005]
          but right is  not created, [reservation of pod 1, token 1000000000]"
  `);
});

test.each([
  [{ toleranceMs: Number.NaN }, "history.toleranceMs must be a number of at least 0"],
  [{ ownedTtlMs: -1 }, "history.ownedTtlMs must be a number of at least 0"],
  [{ tokensMayRepeat: "no" }, "history.tokensMayRepeat must be true or false"],
  [{ tolerance: 5 }, "tolerance must be one of the fields of history"],
])("a fact that can't be one is refused when it is given directly, and is not saved: %j", (fact, message) => {
  const history = { ...twoWinners, ...(fact as Partial<LinkHistory>) };
  expect(() => checkHistory(history, { model: applyLinkOp })).toThrow(message);
  expect(() => saveHistory(join(folder, "no-history.json"), { history })).toThrow(message);
});

test("the explanation says how often what nobody was told of may have run", () => {
  const doubtful = [
    { asked: { kind: "set", ...naming(1) }, at: [5, 6], told: UNKNOWN },
    { asked: { kind: "set", ...naming(2) }, at: [7, 8], told: UNKNOWN, attempts: 3 },
    { asked: { kind: "get" }, at: [9, 10], told: UNKNOWN },
  ] as const;
  const { operations } = historyOf([
    { asked: { kind: "setIfAbsent", ...naming(1) }, at: [1, 2], told: { created: true, link: reservation(1, FIRST) } },
    { asked: { kind: "get" }, at: [3, 4], told: undefined },
    ...doubtful,
  ]);
  const verdict = checkHistory({ operations }, { model: applyLinkOp });
  const explanation = verdict.verdict === "contradiction" ? verdict.explanation : "";
  const [first, second] = operations.slice(2).map(({ id }) => id);
  expect(explanation).toContain(`at any moment or never: ${first} (once), ${second} (up to 3 times).`);
});

test("a history that can't be one, and an unknown option, are refused", () => {
  const [first] = twoWinners.operations;
  const twice = { operations: [first, first] as typeof twoWinners.operations };
  expect(() => checkHistory(twice, { model: applyLinkOp })).toThrow("operations[1].id must be unique");
  const options = { model: applyLinkOp, maxState: 1 };
  expect(() => checkHistory(twoWinners, options)).toThrow("unknown option maxState");
});
