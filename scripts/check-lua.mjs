// luacheck over every script whole, as Redis gets it: what is used and not defined there, defined and not used, shadowed.
// Takes the luacheck in PATH, or Debian's, unpacked into .tools/luacheck: nothing is installed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { names, sourceOf } from "./generate-lua.mjs";
import { absolute } from "./workspace.mjs";

const home = absolute(".tools/luacheck");
const packages = ["lua-check", "lua5.1", "lua-filesystem", "lua-argparse"];

/** @param {string} program @param {string[]} args @param {import("node:child_process").SpawnSyncOptions} [options] */
const run = (program, args, options) => spawnSync(program, args, { ...options, encoding: "utf8" });

/** Unpacked, not installed. */
function fetchLuacheck() {
  mkdirSync(absolute(".tools"), { recursive: true });
  const work = mkdtempSync(absolute(".tools/luacheck-"));
  try {
    const download = run("apt-get", ["-o", "APT::Sandbox::User=", "download", ...packages], { cwd: work });
    if (download.status !== 0)
      throw new Error(
        "there is no luacheck: install it (Debian: lua-check), or run apt-get update for it to be fetched",
      );
    const debs = readdirSync(work);
    for (const deb of debs) run("dpkg-deb", ["-x", join(work, deb), work]);
    for (const deb of debs) rmSync(join(work, deb));
    renameSync(work, home);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** How luacheck is called: program, arguments before its own, environment. */
function luacheck() {
  if (run("luacheck", ["--version"]).status === 0) return { program: "luacheck", before: [], env: process.env };
  if (!existsSync(home)) fetchLuacheck();
  const share = `${home}/usr/share/lua/5.1`;
  const libraries = readdirSync(`${home}/usr/lib`).map((machine) => `${home}/usr/lib/${machine}/lua/5.1/?.so`);
  const env = { ...process.env, LUA_PATH: `${share}/?.lua;${share}/?/init.lua`, LUA_CPATH: libraries.join(";") };
  return { program: `${home}/usr/bin/lua5.1`, before: [`${home}/usr/bin/luacheck`], env };
}

const work = mkdtempSync(join(tmpdir(), "podlink-lua-"));
const count = { passed: 0, failed: 0 };
try {
  const { program, before, env } = luacheck();
  const options = ["--no-config", "--no-color", "--std", "lua51", "--max-line-length", "124"];
  const globals = ["--read-globals", "redis", "KEYS", "ARGV", "cjson", "cmsgpack", "bit", "struct"];
  for (const name of names()) {
    const file = join(work, `${name}.lua`);
    writeFileSync(file, sourceOf(name).replace(/^#!/, "--"));
    const { status, stdout, stderr } = run(program, [...before, ...options, file, ...globals], { env });
    count[status === 0 ? "passed" : "failed"] += 1;
    if (status !== 0) process.stdout.write(`${stdout}${stderr}`);
  }
} catch (error) {
  count.failed += 1;
  process.stdout.write(`✗ ${error instanceof Error ? error.message : String(error)}\n`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.stdout.write(`\n${count.passed} passed, ${count.failed} failed, 0 skipped\n`);
process.exitCode = count.failed > 0 ? 1 : 0;
