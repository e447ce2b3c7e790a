// Sees to it that tests have a real redis-server: the one that REDIS_SERVER names, one in PATH, or .tools/redis. Where there
// is none, Debian's packages are unpacked into .tools/redis: nothing is installed, started or changed outside of it, and no
// rights are needed. The harness in packages/testkit/src/redis looks in the same places.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const tools = join(dirname(dirname(fileURLToPath(import.meta.url))), ".tools");
const home = join(tools, "redis");
const OLDEST = 7;
const PROGRAMS = ["redis-server", "redis-cli"];
const PACKAGES = ["redis-server", "redis-tools"];

/** @param {string} program @param {string[]} args @param {string} [cwd] @returns {string} what it printed */
function run(program, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
  return stdout;
}

/** @param {string} path @returns {string | undefined} the version, if it is one that will do */
function version(path) {
  const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
  const [, number = "", major] = / v=((\d+)\.\S+)/.exec(stdout ?? "") ?? [];
  return Number(major) >= OLDEST ? number : undefined;
}

/** @returns {string | undefined} what to say of the redis-server there is */
function found() {
  const named = process.env["REDIS_SERVER"];
  if (named && !version(named))
    throw new Error(`REDIS_SERVER names ${named}, which is no redis-server of ${OLDEST}.0 or newer.`);
  const inPath = (process.env["PATH"] ?? "").split(delimiter).filter(Boolean);
  const places = named ? [named] : [...inPath, home].map((folder) => join(folder, "redis-server"));
  const place = places.find(version);
  return place && `redis-server ${version(place)}: ${place}`;
}

/**
 * Downloads them, and what else apt would install with them, into a folder. The plan is a simulation: that needs no rights
 * and no lock. @param {string} folder @param {string[]} options
 */
function download(folder, options) {
  const plan = run("apt-get", [...options, "install", "--simulate", "--no-install-recommends", ...PACKAGES]);
  const libraries = [...plan.matchAll(/^Inst (lib\S+)/gm)].map(([, name = ""]) => name);
  run("apt-get", [...options, "download", ...PACKAGES, ...libraries], folder);
}

/** By the system's lists of packages, else, when it has none or old ones, by lists of our own. @param {string} folder @param {string} state */
function downloadSomehow(folder, state) {
  const asMe = ["-o", "APT::Sandbox::User="];
  try {
    return download(folder, asMe);
  } catch {
    for (const made of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(state, made), { recursive: true });
    const ours = [...asMe, "-o", `Dir::State::lists=${state}/lists`, "-o", `Dir::Cache=${state}/cache`];
    run("apt-get", [...ours, "update"]);
    return download(folder, ours);
  }
}

/** Runs a program with its unpacked libraries, wherever the folder is. @param {string} program @param {string[]} libraries */
const wrapper = (program, libraries) => `#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P)
export LD_LIBRARY_PATH="${libraries.map((folder) => `$here/${folder}`).join(":")}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
exec "$here/root/usr/bin/${program}" "$@"
`;

function isDebian() {
  try {
    return run("apt-get", ["--version"]) !== "";
  } catch {
    return false;
  }
}

/** @param {string} work a folder on the same disk as `home` */
function unpack(work) {
  const debs = join(work, "debs");
  const made = join(work, "redis");
  const root = join(made, "root");
  for (const folder of [debs, root]) mkdirSync(folder, { recursive: true });
  downloadSomehow(debs, join(work, "apt"));
  for (const deb of readdirSync(debs)) run("dpkg-deb", ["-x", join(debs, deb), root]);
  const libraries = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter(({ name }) => /\.so(\.|$)/.test(name))
    .map(({ parentPath }) => relative(made, parentPath));
  for (const program of PROGRAMS) {
    writeFileSync(join(made, program), wrapper(program, [...new Set(libraries)]));
    chmodSync(join(made, program), 0o755);
  }
  if (!version(join(made, "redis-server")))
    throw new Error(`This system's redis-server is older than ${OLDEST}.0, or doesn't run.`);
  if (found()) return; // another run was quicker
  rmSync(home, { recursive: true, force: true }); // a broken one
  renameSync(made, home);
}

function fetchDebians() {
  if (!isDebian()) throw new Error("There is no redis-server.");
  mkdirSync(tools, { recursive: true });
  const work = mkdtempSync(join(tools, "redis-"));
  try {
    unpack(work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

try {
  if (!found()) fetchDebians();
  process.stdout.write(`${found()}\n`);
} catch (error) {
  const cure = "install it (brew install redis, dnf install redis), or set REDIS_SERVER to the path of a redis-server.";
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.stderr.write(`The tests need Redis ${OLDEST}.0 or newer: ${cure}\n`);
  process.exitCode = 1;
}
