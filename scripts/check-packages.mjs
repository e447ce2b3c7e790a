// Packs every published package as it would be published, and looks at the result the way its users will:
// publint and attw read it, and plain node imports it, installed alone into an empty folder.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workspace } from "./workspace.mjs";

const published = workspace().filter(({ manifest }) => !manifest.private);
const work = mkdtempSync(join(tmpdir(), "podlink-packages-"));
const usesVitest = ["@podlink/testkit", "podlink/testing"];
const count = { passed: 0, failed: 0 };

/** @param {string} cwd @param {string} program @param {string[]} args @returns {string} what it printed */
const run = (cwd, program, ...args) => execFileSync(program, args, { cwd, encoding: "utf8", stdio: "pipe" });

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

/** A fresh build: what an earlier one left in dist must not be packed. @returns {Map<string, string>} name to tarball */
function pack() {
  for (const { folder } of published)
    for (const made of ["dist", ".cache"]) rmSync(join(folder, made), { recursive: true, force: true });
  run(".", "tsc", "-b", ...published.map(({ folder }) => folder));
  return new Map(
    published.map(({ folder, manifest }) => {
      const into = join(work, "tarballs", manifest.name);
      run(folder, "pnpm", "pack", "--pack-destination", into);
      return [manifest.name, join(into, readdirSync(into)[0] ?? "")];
    }),
  );
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
 * Installs the package alone, with every package of ours from its tarball and nothing of ours from the registry, and
 * imports each of its entries; `require` as well, which fails on a top-level await.
 * @param {string} name @param {Map<string, string>} tarballs
 */
function importAlone(name, tarballs) {
  const folder = join(work, "installed", name);
  const { exports = {}, peerDependencies: peers = {} } =
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
  const tarballs = pack();
  for (const [name, tarball] of tarballs) {
    check(`${name}: contents`, () => contents(tarball));
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
