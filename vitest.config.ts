import { defineConfig } from "vitest/config";
import { plantedFault } from "./scripts/planted-faults/plugin.mjs";
import { absolute, workspace } from "./scripts/workspace.mjs";

/** The least share of lines of packages/** that the tests must run, in percent. */
const linesCovered = 90;

const conditions = ["@podlink/source", "node", "module", "import", "default"];
/** Every workspace package is a project, called by its package's name. Roots must be absolute. */
const project = (name: string, folder: string) => ({
  extends: true as const,
  test: {
    name,
    root: absolute(folder),
    include: [folder.startsWith("tests/") ? "**/*.test.ts" : "test/**/*.test.ts"],
    exclude: ["test/long/**", "test/rows/**"],
  },
});
/** What takes minutes, for `npm run verify`. */
const long = {
  extends: true as const,
  test: { name: "long", root: absolute("apps"), include: ["*/test/long/**/*.test.ts"] },
};

/** The fault catalogue, for `npm run verify`: real faults, one after another. */
const faults = {
  extends: true as const,
  test: { name: "long-rows", root: absolute("."), include: ["apps/{faults,demo}/test/rows/**/*.test.ts"] },
};

export default defineConfig({
  // Set by scripts/planted-faults.mjs only.
  plugins: plantedFault(process.env["PODLINK_PLANTED"]),
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    reporters: ["default", "./scripts/summary-reporter.mjs"],
    // For what hangs, not for what is slow: a machine with other work takes several times as long.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    maxWorkers: 2,
    coverage: {
      provider: "v8",
      include: ["packages/**/src/**"],
      reporter: ["text-summary", "json-summary"],
      thresholds: { lines: linesCovered },
    },
    projects: [
      ...workspace().map(({ folder, manifest }) => project(manifest.name, folder)),
      project("house", "tests/house"),
      long,
      faults,
    ],
  },
});
