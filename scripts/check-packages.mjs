// Packs every published package as it would be published, and looks at the result the way its users will:
// publint and attw read it, and plain node imports it, installed alone into an empty folder.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exempt, isTakenOut, mentions } from "./failpoint-lines.mjs";
import { filesIn, pack, published, run } from "./pack.mjs";
import { absolute } from "./workspace.mjs";

const work = mkdtempSync(join(tmpdir(), "podlink-packages-"));
const usesVitest = ["@podlink/testkit", "podlink/testing"];
const count = { passed: 0, failed: 0 };

/** What a failed program printed, else the message. @param {unknown} error */
function output(error) {
  const { stdout = "", stderr = "", message = "" } = /** @type {Record<string, string>} */ (error);
  return stdout + (stderr || message);
}

/** @param {string} what @param {() => void} body */
function check(what, body) {
  try {
    body();
    count.passed += 1;
  } catch (error) {
    count.failed += 1;
    process.stdout.write(`✗ ${what}\n${output(error)}\n`);
  }
}

/** @param {boolean} condition @param {string} otherwise */
function must(condition, otherwise) {
  if (!condition) throw new Error(otherwise);
}

/** What the tarball holds, and what its package.json says. @param {string} tarball */
function contents(tarball) {
  const files = run(".", "tar", "-tzf", tarball).split("\n").filter(Boolean);
  const manifest = run(".", "tar", "-xzOf", tarball, "package/package.json");
  for (const file of files)
    must(/^package\/(?:(?:dist|src)\/.*\.(?:js|ts|map)|package\.json|README\.md|LICENSE)$/.test(file), `holds ${file}`);
  must(files.includes("package/LICENSE"), "holds no LICENSE");
  must(files.includes("package/dist/index.d.ts"), "holds no types"); // attw is content with a package that has none
  must(!/workspace:|catalog:|@podlink\/source/.test(manifest), `is no use outside this workspace: ${manifest}`);
}

/**
 * Nothing of failpoints is in it, in code, comments or documents: each line is the one that was built or, where that was
 * theirs, empty; and its sources can still be read.
 * @param {string} folder @param {string} tarball
 */
function withoutFailpoints(folder, tarball) {
  const unpacked = join(work, "unpacked", folder);
  mkdirSync(unpacked, { recursive: true });
  run(unpacked, "tar", "-xzf", tarball, "--strip-components", "1");
  for (const file of filesIn(unpacked)) {
    const text = readFileSync(join(unpacked, file), "utf8");
    must(!mentions(file) && !mentions(text), `${file} mentions failpoints`);
    if (file === "package.json" || file === "LICENSE") continue; // pnpm writes the one and brings the other
    const built = readFileSync(absolute(`${folder}/${file}`), "utf8");
    const expected = built.split("\n").map((line) => (isTakenOut(line) ? "" : line));
    must(text === expected.join("\n"), `${file} is not what was built, with empty lines for failpoints`);
  }
  // No rule of ours: only what can't be parsed is an error.
  writeFileSync(join(unpacked, ".oxlintrc.json"), "{}");
  run(unpacked, "oxlint", "--allow", "all", "src", "dist");
}

/**
 * Installs the package alone, with every package of ours from its tarball and nothing of ours from the registry, and
 * imports each of its entries; `require` as well, which fails on a top-level await.
 * @param {string} name @param {Map<string, string>} tarballs
 */
function importAlone(name, tarballs) {
  const folder = join(work, "installed", name);
  const { publishConfig: { exports = {} } = {}, peerDependencies: peers = {} } =
    published.find(({ manifest }) => manifest.name === name)?.manifest ?? {};
  const ours = Object.fromEntries([...tarballs].map(([other, tarball]) => [other, `file:${tarball}`]));
  // Optional peers are installed too: their entries are imported below.
  const dependencies = {
    ...peers,
    ...Object.fromEntries(Object.entries(ours).filter(([other]) => other === name || other in peers)),
  };
  const overrides = Object.fromEntries(Object.entries(ours).filter(([other]) => !(other in dependencies)));
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ private: true, type: "module", dependencies, overrides }),
  );
  run(folder, "npm", "install", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error");
  for (const entry of Object.keys(exports).map((subpath) => name + subpath.slice(1))) {
    run(folder, "node", "--input-type=module", "-e", `await import("${entry}")`);
    if (usesVitest.includes(entry)) continue; // which refuses to be required
    run(folder, "node", "--no-warnings", "--input-type=commonjs", "-e", `require("${entry}")`);
  }
}

try {
  const tarballs = pack(join(work, "tarballs"));
  for (const { folder, manifest } of published) {
    const { name } = manifest;
    const tarball = tarballs.get(name) ?? "";
    check(`${name}: contents`, () => contents(tarball));
    if (folder !== exempt) check(`${name}: no failpoints`, () => withoutFailpoints(folder, tarball));
    check(`${name}: publint`, () => run(".", "publint", tarball, "--strict"));
    check(`${name}: attw`, () => run(".", "attw", tarball, "--profile", "esm-only", "--no-emoji"));
    check(`${name}: imported alone`, () => importAlone(name, tarballs));
  }
  process.stdout.write(`${tarballs.size} packages packed\n`);
} catch (error) {
  count.failed += 1;
  process.stdout.write(`✗ packing\n${output(error)}\n`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.stdout.write(`\n${count.passed} passed, ${count.failed} failed, 0 skipped\n`);
process.exitCode = count.failed > 0 ? 1 : 0;
