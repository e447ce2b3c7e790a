// The one way into the workspace: `node scripts/pnpm.mjs <command> [arguments]`. No dependencies, so that a bare clone can
// run it: it fetches the pinned pnpm (corepack can't verify it here), installs what the lockfile says, and runs the command.
//   bootstrap      install only
//   --update       let the install write the lockfile
//   --redis        see to it that there is a redis-server first; what is said of it goes to stderr
//   --build        compile everything first: what is measured is what users get; what is said of it goes to stderr
//   --foreground   for programs that stop by themselves on a signal (see `foreground`)
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const flags = new Set();
const command = process.argv.slice(2);
while (command[0]?.startsWith("--")) flags.add(command.shift());

/** @type {NodeJS.ProcessEnv} */
const env = { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", TURBO_NO_UPDATE_NOTIFIER: "1" };
for (const name of Object.keys(env)) if (/^npm_(?!config_(registry|cafile|cache)$)/i.test(name)) delete env[name]; // or npm's own settings leak into pnpm

/** @param {string} program @param {string[]} args @param {import("node:child_process").StdioOptions} [stdio] */
function run(program, args, stdio = "inherit") {
  const { status } = spawnSync(program, args, { cwd: root, env, stdio });
  if (status !== 0) process.exit(status ?? 1);
}

function install() {
  // The pin carries a checksum for package managers that can read it; npm can't.
  const pin = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).packageManager.split("+")[0];
  const version = pin.slice("pnpm@".length);
  const found = spawnSync("pnpm", ["--version"], { cwd: "/", env, encoding: "utf8" });
  if (found.status !== 0 || found.stdout.trim() !== version) {
    const home = join(root, ".tools", `pnpm-${version}`);
    const bin = join(home, "node_modules", ".bin");
    if (!existsSync(join(bin, "pnpm")))
      run("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", home, pin]);
    env["PATH"] = bin + delimiter + env["PATH"];
  }
  const binding = existsSync(join(root, "pnpm-lock.yaml")) && !flags.has("--update");
  const quiet = existsSync(join(root, "node_modules")); // then it takes about 50 ms and has little to say
  run("pnpm", [
    "install",
    binding ? "--frozen-lockfile" : "--no-frozen-lockfile",
    ...(quiet ? ["--loglevel=warn"] : []),
  ]);
  env["PATH"] = join(root, "node_modules", ".bin") + delimiter + env["PATH"];
}

/**
 * Runs the command and ends as it ends. A terminal's Ctrl-C goes to every process of the group, and npm sends the signal
 * once more; to a program that drains on the first signal and hurries on the second that would be a second one. So a
 * foreground program gets a group of its own, and each signal is passed on once.
 * @param {string} program @param {string[]} args @param {boolean} foreground
 */
function start(program, args, foreground) {
  const child = spawn(program, args, { cwd: root, env, stdio: "inherit", detached: foreground });
  let last = -Infinity;
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]))
    process.on(signal, () => {
      if (!foreground && signal === "SIGINT") return; // the terminal has told the child already
      if (performance.now() - last < 500) return; // the same Ctrl-C, by another way
      last = performance.now();
      child.kill(signal);
    });
  child.on("error", (error) => {
    process.stderr.write(`${program}: ${error.message}\n`);
    process.exitCode = 127;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? 130 : signal === "SIGTERM" ? 143 : 1);
  });
}

install();
if (flags.has("--redis")) run(process.execPath, [join(root, "scripts", "redis-tools.mjs")], ["inherit", 2, 2]);
if (flags.has("--build")) run("tsc", ["-b"], ["inherit", 2, 2]);
if (command[0] && command[0] !== "bootstrap") start(command[0], command.slice(1), flags.has("--foreground"));
