import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { absolute, workspace } from "../../scripts/workspace.mjs";

/** The names that a hand-written index exports: `value name` or `type name`, in its own order. */
function exportsOf(source: string): string[] {
  const code = source.replaceAll(/\/\*.*?\*\/|\/\/[^\n]*/gs, "");
  if (/export\s*\*\s*from\s*"\./.test(code)) throw new Error("An index names what it exports of its own files");
  const packages = [...code.matchAll(/export\s*\*\s*from\s*"(.*?)"/g)].map(([, name]) => `all of ${name}`);
  const kind = (type: unknown) => (type ? "type" : "value");
  const listed = [...code.matchAll(/export\s+(type\s+)?\{([^}]*)\}/g)].flatMap(([, type, list = ""]) =>
    list
      .split(",")
      .map((item) => /^\s*(type\s+)?.*?([\w$]+)\s*$/s.exec(item))
      .flatMap((item) => (item ? [`${kind(type ?? item[1])} ${item[2]}`] : [])),
  );
  const declared = [
    ...code.matchAll(
      /export\s+(?:declare\s+|abstract\s+|async\s+)*(const|function\*?|class|interface|type)\s+([\w$]+)/g,
    ),
  ].map(([, word = "", name]) => `${kind(/interface|type/.test(word))} ${name}`);
  return [...packages, ...listed, ...declared].toSorted();
}

const entries = workspace()
  .filter(({ manifest }) => !manifest.private)
  .flatMap(({ folder, manifest }) =>
    Object.entries(manifest.exports ?? {}).map(([subpath, { "@podlink/source": source = "" }]) => ({
      entry: manifest.name + subpath.slice(1),
      source: absolute(`${folder}/${source}`),
    })),
  );

const valuesOf = async (name: string): Promise<string[]> => {
  const source = entries.find(({ entry }) => entry === name)?.source ?? name;
  return Object.keys((await import(source)) as object);
};

// A public name that comes, goes or changes its kind shows here, and in the diff of exports/.
test.each(entries)("what $entry exports is on record", async ({ entry, source }) => {
  const names = exportsOf(readFileSync(source, "utf8"));
  const listed = (kind: string) => names.filter((name) => name.startsWith(kind)).map((name) => name.slice(kind.length));
  const passedOn = (await Promise.all(listed("all of ").map(valuesOf))).flat();
  const values = (await valuesOf(entry)).filter((name) => !passedOn.includes(name));
  expect(listed("value ").toSorted()).toEqual(values.toSorted());
  await expect(`${names.join("\n")}\n`).toMatchFileSnapshot(`exports/${entry.replaceAll("/", ".")}.txt`);
});
