import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { exempt, home, isTakenOut, mentions, pointOf, withoutFailpoints } from "../../scripts/failpoint-lines.mjs";
import { absolute, workspace } from "../../scripts/workspace.mjs";

interface Line {
  readonly where: string;
  readonly text: string;
  /** The code before it, without empty lines. */
  readonly before: string;
}

const read = (path: string): string => readFileSync(absolute(path), "utf8");

/** Every line of published sources, and of their READMEs, that mentions failpoints; but for the two places of their own. */
const mentioned: readonly Line[] = workspace()
  .filter(({ folder, manifest }) => !manifest.private && folder !== exempt)
  .flatMap(({ folder }) => {
    const sources = readdirSync(absolute(`${folder}/src`), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !(folder === home.folder && home.file.test(file)))
      .map((file) => `${folder}/src/${file}`);
    return [...sources, `${folder}/README.md`];
  })
  .flatMap((file) => {
    const lines = read(file).split("\n");
    return lines.flatMap((text, index) => {
      const before = lines.slice(0, index).findLast((line) => line.trim() !== "") ?? "";
      return mentions(text) ? [{ where: `${file}:${index + 1}`, text, before }] : [];
    });
  });

const called = mentioned.map(({ text }) => pointOf(text)).filter((name) => name !== undefined);
const namesIn = (path: string, form: RegExp): string[] =>
  [...read(path).matchAll(form)].map(([, name = ""]) => name).toSorted();
const names = namesIn("packages/types/src/failpoint.ts", /^ {2}"([a-z-]+)": \{/gm);

test("a failpoint stands in the sources in one line that packing can take out", () => {
  expect(
    mentioned.filter(({ text }) => !isTakenOut(text)).map(({ where, text }) => `${where}: ${text.trim()}`),
  ).toEqual([]);
});

// Else packing would make the next statement the body of an `if`, say.
test("a call of a failpoint is a statement of its own, in a block", () => {
  const calls = mentioned.filter(({ text }) => pointOf(text) !== undefined);
  const free = /[;{}](?: +\/\/.*)?$|^\s*(?:\/\/|\*\/|\/\*\*.*\*\/)/;
  expect(calls.filter(({ before }) => !free.test(before)).map(({ where, before }) => `${where}: ${before}`)).toEqual(
    [],
  );
});

test("every failpoint that has a name is called in the sources, and no other", () => {
  expect(names).not.toEqual([]);
  expect([...new Set(called)].toSorted()).toEqual(names);
});

test("the testkit knows the failpoints that there are, and its README explains each", () => {
  expect(namesIn(`${exempt}/src/failpoints/points.ts`, /^ {2}"([a-z-]+)": "/gm)).toEqual(names);
  expect(
    namesIn(
      `${exempt}/README.md`,
      /^\| `([a-z-]+)` \|.*\| (?:server-driver|redis-executor|client-driver|sessions) \|$/gm,
    ),
  ).toEqual(names);
});

test("the code of a point can wait in the testkit if it can in the sources", () => {
  const isWaited = (name: string): boolean[] =>
    mentioned.filter(({ text }) => pointOf(text) === name).map(({ text }) => /^\s*await /.test(text));
  const kinds = namesIn(`${exempt}/src/failpoints/points.ts`, /^ {2}"([a-z-]+": "a?sync)"/gm);
  for (const [name = "", kind] of kinds.map((found) => found.split('": "'))) {
    expect([...new Set(isWaited(name))], name).toEqual([kind === "async"]);
  }
});

test("what is taken out leaves an empty line; any other form is refused", () => {
  const text = [
    'import { failpoint } from "@podlink/types/failpoint";',
    "a();",
    '  await failpoint("a-b", { uid });',
    "b();",
  ];
  expect(withoutFailpoints(text.join("\n"))).toBe("\na();\n\nb();");
  for (const line of [
    'void failpoint("a-b", { uid });',
    'if (x) await failpoint("a-b", { uid });',
    'await failpoint("a-b", {',
    "// a failpoint",
    'import { failpoint, other } from "@podlink/types/failpoint";',
    'failpoint("a-b", { uid }); b();',
  ]) {
    expect(() => withoutFailpoints(`a();\n${line}`), line).toThrow(
      `line 2 mentions failpoints in a form that can't be`,
    );
  }
});
