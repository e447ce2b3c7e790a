import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SupervisedApp } from "@podlink/testkit";
import { Supervisor } from "@podlink/testkit";
import { replaceBetween } from "../../src/support/markers.ts";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";

let supervisor: Supervisor;
beforeEach(() => void (supervisor = new Supervisor()));
afterEach(() => supervisor.end());

/** The program, from its sources. */
function bench(args: readonly string[], env: Readonly<Record<string, string>> = {}): SupervisedApp {
  const script = new URL("../../src/main.ts", import.meta.url);
  const execArgv = ["--import", "tsx", "-C", "@podlink/source"];
  return supervisor.launch({ name: `bench-${supervisor.apps.length}`, node: { script, args, execArgv }, env });
}

async function endOf(args: readonly string[], env?: Readonly<Record<string, string>>) {
  const app = bench(args, env);
  const { code } = await app.whenEnded();
  return { code, said: app.log() };
}

function folder(): string {
  const directory = mkdtempSync(join(tmpdir(), "podlink-bench-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** A process and all that it started, directly or not, of those that are there. */
function familyOf(pid: number): number[] {
  const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
  const parents = rows.map((row) => row.trim().split(/\s+/).map(Number) as [number, number]);
  const family = [pid];
  for (const member of family) family.push(...parents.flatMap(([child, parent]) => (parent === member ? [child] : [])));
  return family.filter((member) => parents.some(([there]) => there === member));
}

describe("bad arguments are refused, and nothing is measured", () => {
  it.each([
    [["hit-snyc"], "no figure hit-snyc; there are: hit-sync/10k, hit-sync/100k, "],
    [["--pairs", "4"], "a whole number from 5 to 1000 is needed"],
    [["--fast"], "unknown option '--fast'"],
    [["--list", "--json"], "'--list' cannot be used with option '--json'"],
    [["hit-sync", "--write", "x.md"], "--write is for all figures"],
    [["--write", "/nowhere/x.md"], "no such file or directory, open '/nowhere/x.md'"],
    [["--profile", "/dev/null/x"], "not a directory"],
    [["--json", "soak"], "--json: options of soak come after its name"],
    [["soak", "--minutes", "0"], "a whole number from 1 to 1440 is needed"],
    [["soak", "--planted", "rain"], "Allowed choices are heap, handles, redis"],
  ])("%j", async (args, message) => {
    const { code, said } = await endOf(args);
    expect(said).toContain(message);
    expect(said).not.toMatch(/^ +at /m);
    expect(code).toBe(1);
  });

  it.each([
    ["figures", []],
    ["soak", ["soak"]],
  ])("a document without a place for the %s", async (place, args) => {
    const document = join(folder(), "x.md");
    writeFileSync(document, "nothing");
    const { code, said } = await endOf([...args, "--write", document]);
    expect(said).toContain(`needs the lines <!-- the ${place}: begin -->`);
    expect(code).toBe(1);
    expect(readFileSync(document, "utf8")).toBe("nothing");
  });
});

it("the document of this repository has both places", () => {
  const document = readFileSync(new URL("../../../../docs/performance.md", import.meta.url), "utf8");
  for (const place of ["figures", "soak"] as const) replaceBetween(document, place, "", "docs/performance.md");
});

it("--list says which figures there are, or one's variants", async () => {
  const { code, said } = await endOf(["--list", "batch-get"]);
  expect(said).toMatch(/^batch-get\/single: .*; beside .*; >= 3 x, <= 20 ms\nbatch-get\/cluster: .*; >= 5 x$/m);
  expect(code).toBe(0);
});

it("npm run bench measures what is compiled", async () => {
  const root = fileURLToPath(new URL("../../../..", import.meta.url));
  const profiles = folder();
  const args = ["run", "--silent", "bench", "--", "place-10k", "--json", "--pairs", "5", "--profile", profiles];
  const said = execFileSync("npm", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  expect(JSON.parse(said)).toMatchObject({ figures: [{ id: "place-10k" }] });
  expect(readFileSync(join(profiles, "place-10k.cpuprofile"), "utf8")).toContain("/load-balancer/dist/");
}, 120_000);

it("a figure as JSON with its profile, where there is no taskset, is one document on the output", async () => {
  const [bin, profiles] = [folder(), join(folder(), "profiles")];
  for (const name of ["dirname", "redis-server"]) {
    const found = (process.env["PATH"] ?? "").split(delimiter).find((place) => existsSync(join(place, name)));
    if (found !== undefined) symlinkSync(join(found, name), join(bin, name));
  }
  const args = ["place-10k", "--json", "--pairs", "5", "--profile", profiles];
  const { code, said } = await endOf(args, { PATH: bin });
  const result = JSON.parse(said.slice(said.indexOf("{\n"), said.lastIndexOf("}\n") + 1)) as Record<string, unknown>;
  expect(result).toMatchObject({ machine: { pinned: false }, figures: [{ id: "place-10k" }] });
  expect(JSON.parse(readFileSync(join(profiles, "place-10k.cpuprofile"), "utf8"))).toHaveProperty("nodes");
  expect(code).toBe(0);
});

it.each([
  ["SIGINT", ["link-create-one", "--pairs", "1000"], 130],
  ["SIGINT", ["gateway-http", "--pairs", "1000"], 130],
  ["SIGTERM", ["soak"], 143],
] as const)(
  "%s ends whatever %j has started",
  async (signal, args, status) => {
    const app = bench(args);
    // Itself, the compiler, and a server with its guard.
    await vi.waitFor(() => expect(familyOf(app.pid!).length).toBeGreaterThan(3), 60_000);
    const family = familyOf(app.pid!);
    app.signal(signal);
    expect(await app.whenEnded()).toMatchObject({ code: status });
    expect(app.log()).toContain(`${signal}: ending what runs`);
    expect(app.log()).not.toMatch(/^ +at /m);
    const left = (): number[] => family.filter((pid) => familyOf(pid).length > 0);
    await vi.waitFor(() => expect(left()).toEqual([]), 20_000);
  },
  120_000,
);
