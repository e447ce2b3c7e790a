import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bannedIn, lintConfig, nameOf, overrides, rows, sideways, testkit } from "../../scripts/layers.mjs";
import { absolute } from "../../scripts/workspace.mjs";

/** A file with one import. */
type Probe = { folder: string; file: string; imported: string; refused: boolean };

const probes: Probe[] = [];
const probe = (refused: boolean) => (folder: string, imported: string, name?: string) =>
  probes.push({ folder, file: `${folder}/${name ?? `src/probe-${probes.length}.ts`}`, imported, refused });
const refuse = probe(true);
const permit = probe(false);

for (const [row, folders] of rows.entries())
  for (const folder of folders) {
    for (const below of rows.slice(row + 1).flat()) {
      permit(folder, nameOf(below));
      refuse(below, nameOf(folder));
      refuse(below, `${nameOf(folder)}/testing`);
    }
    for (const beside of folders) (sideways[folder]?.includes(beside) ? permit : refuse)(folder, nameOf(beside));
    for (const library of bannedIn(folder).map((pattern) => pattern.replace("*", "api"))) {
      refuse(folder, library);
      refuse(folder, `${library}/build/index.js`);
    }
    (sideways[folder]?.includes(testkit.folder) ? permit : refuse)(folder, "@podlink/testkit");
    refuse(folder, "@podlink/types/src/index.ts");
    refuse(folder, "@podlink/types/dist/index.js", "test/deep/other.test.ts");
    refuse(folder, "../../../packages/types/src/index.ts", "test/other.test.ts");
    permit(folder, "../../src/index.ts", "test/deep/own.test.ts");
    if (folder !== "packages/types") refuse(testkit.folder, nameOf(folder));
  }
permit(testkit.folder, "@podlink/types");
permit("packages/podlink", "@podlink/testkit", "src/testing.ts");
permit("packages/podlink", "@podlink/testkit", "src/testing/suites.ts");
refuse("packages/podlink", "@podlink/gateway", "src/testing/gateway.ts");
refuse("packages/types", "node:events");
permit("packages/http", "node:http");

/** Two files that import each other. */
const cycle = ["packages/http/src/hen.ts", "packages/http/src/egg.ts"];

describe("a forbidden import fails lint", () => {
  /** The rules each file broke. The files stand in a copy of the tree, where no other tool meets them. */
  const broken = new Map<string, Set<string>>();
  const rulesBrokenBy = (file: string) => [...(broken.get(file) ?? [])];
  const tree = mkdtempSync(join(tmpdir(), "podlink-layers-"));
  const put = (file: string, text: string) => {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    writeFileSync(join(tree, file), text);
  };

  beforeAll(() => {
    // Without types: nothing is installed there.
    const config = { ...lintConfig().config, options: {} };
    put(".oxlintrc.json", JSON.stringify(config));
    for (const { file, imported } of probes) put(file, `export * from "${imported}";\n`);
    cycle.forEach((file, index) => put(file, `export * from "./${cycle[1 - index]?.split("/").at(-1)}";\n`));
    const lint = spawnSync(absolute("node_modules/.bin/oxlint"), ["--format", "json"], { cwd: tree, encoding: "utf8" });
    for (const { filename, code } of JSON.parse(lint.stdout).diagnostics as { filename: string; code: string }[])
      broken.set(filename, new Set(broken.get(filename)).add(code));
  });
  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  test.each([...rows.flat(), testkit.folder])("in %s", (folder) => {
    const ofFolder = probes.filter((probe) => probe.folder === folder);
    const rules = (refused: boolean) => (refused ? ["eslint(no-restricted-imports)"] : []);
    expect(ofFolder.map(({ imported, file }) => ({ imported, file, rules: rulesBrokenBy(file) }))).toEqual(
      ofFolder.map(({ imported, file, refused }) => ({ imported, file, rules: rules(refused) })),
    );
  });

  test("in a cycle", () => {
    expect(cycle.map(rulesBrokenBy)).toEqual([["import(no-cycle)"], ["import(no-cycle)"]]);
  });
});

test(".oxlintrc.json follows the table: else run `npm run layers`", () => {
  expect(lintConfig().layers).toEqual(overrides);
});
