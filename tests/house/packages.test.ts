import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { allowed, bannedIn, nameOf, rows, testkit } from "../../scripts/layers.mjs";
import { absolute, workspace } from "../../scripts/workspace.mjs";

const packages = workspace();

test("every package has its place in the table of layers", () => {
  expect(packages.map(({ folder }) => folder).toSorted()).toEqual([...rows.flat(), testkit.folder].toSorted());
});

/** The folders that a tsconfig.json refers to. */
const references = (path: string): string[] =>
  (JSON.parse(readFileSync(absolute(path), "utf8")).references as { path: string }[])
    .map((reference) => join(dirname(path), reference.path))
    .toSorted();

test("the root's tsconfig.json refers to every package and its tests", () => {
  const projects = packages.flatMap(({ folder }) => [folder, `${folder}/test`]);
  expect(references("tsconfig.json")).toEqual([...projects, "tests/house"].toSorted());
});

describe.each(packages)("$folder", ({ folder, manifest }) => {
  const shipped = { ...manifest.dependencies, ...manifest.peerDependencies };
  const inTests = { ...shipped, ...manifest.devDependencies, [manifest.name]: "" };
  /** The folders of our packages among these. */
  const ours = (dependencies: object): string[] =>
    packages.filter((other) => other.manifest.name in dependencies).map((other) => other.folder);

  test("has tests", () => {
    const files = readdirSync(absolute(`${folder}/test`), { recursive: true, encoding: "utf8" });
    expect(files.filter((file) => file.endsWith(".test.ts"))).not.toEqual([]);
  });

  test("is called as its folder", () => {
    expect(manifest.name).toBe(nameOf(folder));
  });

  test("depends on nothing beside or above it", () => {
    const permitted = [...allowed(folder), ...(folder === testkit.importedBy ? [testkit.folder] : [])];
    expect(ours(shipped).filter((dependency) => !permitted.includes(dependency))).toEqual([]);
  });

  test("depends on no library that is another package's business", () => {
    const patterns = bannedIn(folder).map((pattern) => new RegExp(`^${pattern.replace("*", ".*")}$`));
    expect(Object.keys(shipped).filter((name) => patterns.some((pattern) => pattern.test(name)))).toEqual([]);
  });

  test("takes the versions of libraries from the catalog", () => {
    const written = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(written.filter(([, version]) => version !== "catalog:" && version !== "workspace:*")).toEqual([]);
  });

  test("its tsconfig.json files refer to what package.json names", () => {
    expect(references(`${folder}/tsconfig.json`)).toEqual(ours(shipped).toSorted());
    expect(references(`${folder}/test/tsconfig.json`)).toEqual(ours(inTests).toSorted());
  });
});
