import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { linkedTests, whyNotHeld } from "../../scripts/linked-tests.mjs";
import { absolute } from "../../scripts/workspace.mjs";

const document = readFileSync(absolute("docs/guarantees.md"), "utf8");

describe("docs/guarantees.md", () => {
  test("every test that it links is in the linked file, under that title, and runs", () => {
    const links = linkedTests(document);
    expect(links.length).toBeGreaterThan(50);
    const wrong = links.flatMap(({ title, path }) => {
      const file = absolute(join("docs", path));
      const why = existsSync(file) ? whyNotHeld(readFileSync(file, "utf8"), title) : "there is no such file";
      return why === undefined ? [] : [`${path}: ${title}: ${why}`];
    });
    expect(wrong).toEqual([]);
  });

  test("every linked file is run: a test, or a suite of the contract that the tests of the Redis executor run", () => {
    const paths = linkedTests(document).map(({ path }) => path);
    const run = /^\.\.\/(?:packages\/[\w/-]+\/test|apps\/[\w-]+\/test)\/[\w./-]+\.test\.ts$/;
    const suite = /^\.\.\/packages\/testkit\/src\/contract\/(?:links|pods|properties)\/[\w-]+\.ts$/;
    expect(paths.filter((path) => !run.test(path) && !suite.test(path))).toEqual([]);
    for (const name of ["links", "pods"]) {
      const index = readFileSync(absolute(`packages/testkit/src/contract/${name}/index.ts`), "utf8");
      const suites = paths.flatMap((path) => (suite.test(path) && path.includes(`/${name}/`) ? [path] : []));
      for (const path of suites) expect(index).toContain(`./${path.split("/").at(-1)}`);
    }
    const single = readFileSync(absolute("packages/redis-executor/test/contract/single.test.ts"), "utf8");
    for (const call of ["storeContract(", "linkStoreProperties("]) expect(single).toContain(`\n${call}"redis, single"`);
  });

  test("no promise stands without a test, nor without what it assumes", () => {
    const [, promises = ""] = document.split(/^## Promises$/m);
    const sections = (promises.split(/^## /m)[0] ?? "").split(/^### /m).slice(1);
    expect(sections.length).toBeGreaterThan(8);
    const bare = sections.filter((section) => linkedTests(section).length === 0 || !section.includes("**Assumes"));
    expect(bare.map((section) => section.split("\n")[0])).toEqual([]);
  });
});

describe("a linked test", () => {
  const source = `
/* test("gone", () => {}); */
// test("commented", () => {});
test("held", async () => {});
test.skip("idle", () => {});
faultRow(
  41,
  "a row, over lines",
  async () => {},
);
test.each([[1, "a"], [2, f(3)]])("each %i", () => {});
test(\`of \${kind}\`, () => {});
`;

  test.each(["held", "a row, over lines", "each %i", "of ${kind}"])("is found: %s", (title) => {
    expect(whyNotHeld(source, title)).toBeUndefined();
  });

  test.each([
    ["gone", "no test of that title"],
    ["commented", "no test of that title"],
    ["hel", "no test of that title"],
    ["idle", "skipped"],
  ])("is not: %s", (title, why) => {
    expect(whyNotHeld(source, title)).toContain(why);
  });

  test("in a group that is skipped is not", () => {
    expect(whyNotHeld(`describe.skip("x", () => {\n  test("held", f);\n});`, "held")).toContain("group");
  });
});
