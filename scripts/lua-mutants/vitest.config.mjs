// One worker of the tool: a vitest with a runner of ours.
import { absolute } from "../workspace.mjs";

const conditions = ["@podlink/source", "node", "module", "import", "default"];

/** As for the tests of the workspace: one that hangs on a mutant has failed. */
const HANGS_MS = 30_000;

/** @type {import("vitest/config").ViteUserConfig} */
export default {
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  cacheDir: absolute(".cache/lua-mutants/vite"),
  test: {
    root: absolute("."),
    include: ["scripts/lua-mutants/worker.test.mjs"],
    runner: absolute("scripts/lua-mutants/killing-runner.mjs"),
    isolate: false,
    maxWorkers: 1,
    silent: true,
    testTimeout: HANGS_MS,
    hookTimeout: HANGS_MS,
    dangerouslyIgnoreUnhandledErrors: true, // a mutant's
  },
};
