// Who may import whom: the one table behind the lint rules, the check of the packages' dependencies, and the test that
// shows the rules to fire. `npm run layers` writes the rules into .oxlintrc.json.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** From the top down: a package imports from the rows below its own, never from its own row or above. */
export const rows = [
  ["apps/gateway", "apps/stateful-server", "apps/demo", "apps/bench", "apps/faults", "apps/counter", "apps/chaos"],
  ["apps/log"],
  ["packages/podlink"],
  ["packages/http", "packages/sessions"],
  ["packages/client-driver", "packages/server-driver"],
  ["packages/route-info-driver"],
  ["packages/state-cache", "packages/redis-executor", "packages/memory-executor"],
  ["lua", "packages/observability/load-balancer"],
  ["packages/types"],
];

/** Beside the rows. Only tests, `podlink/testing` and the demo, for a Redis of its own, import it. */
export const testkit = { folder: "packages/testkit", imports: ["packages/types"], importedBy: "packages/podlink" };

/** What one app starts of another, though they share a row. @type {Record<string, string[]>} */
export const sideways = {
  "apps/demo": ["apps/gateway", "apps/stateful-server", "apps/faults", testkit.folder],
  "apps/bench": ["apps/gateway", "apps/stateful-server", testkit.folder],
  "apps/faults": [testkit.folder],
  "apps/chaos": ["apps/gateway", "apps/stateful-server", testkit.folder],
};

/** Libraries that are another package's business: these packages reach them through a port of `types` or not at all. */
export const banned = ["ioredis", "prom-client", "@opentelemetry/*", "@grpc/*"];
const bannedFor = new Set(
  ["types", "observability/load-balancer", "state-cache", "memory-executor", "route-info-driver", "client-driver"]
    .concat(["server-driver", "sessions", "redis-executor"])
    .map((name) => `packages/${name}`)
    .concat("lua"),
);
/** Whose business they are: of the packages only these import them. @type {Record<string, string>} */
export const owners = { ioredis: "packages/redis-executor" };

/** @param {string} folder */
export const nameOf = (folder) => (folder === "packages/podlink" ? "podlink" : `@podlink/${folder.split("/").at(-1)}`);

/** The folders of our packages that `folder` may import. @param {string} folder @returns {string[]} */
export function allowed(folder) {
  if (folder === testkit.folder) return testkit.imports;
  const row = rows.findIndex((names) => names.includes(folder));
  if (row < 0) throw new Error(`${folder} is in no row of scripts/layers.mjs`);
  return [...rows.slice(row + 1).flat(), ...(sideways[folder] ?? [])];
}

/** @param {string} folder @returns {string[]} */
export const bannedIn = (folder) =>
  banned.filter((library) => {
    const owner = owners[library];
    if (owner === folder) return false;
    return bannedFor.has(folder) || (owner !== undefined && !folder.startsWith("apps/"));
  });

/** For the imports of every file. */
const publicNamesOnly = {
  regex: String.raw`^(?:@podlink/[^/]+|podlink)/(?:src|dist|test)(?:/|$)|^(?:\.\./)+(?:[\w-]+/)+(?:src|dist|test)/`,
  message: "Import another package by its public name.",
};

/** @param {string} name */
const withSubpaths = (name) => [name, `${name}/**`];

/** @param {string} folder @param {string[]} also folders allowed beyond the table */
function rule(folder, also) {
  const names = [...allowed(folder), ...also].map(nameOf);
  const patterns = [
    publicNamesOnly,
    {
      group: ["podlink", "podlink/**", "@podlink/**", ...names.flatMap(withSubpaths).map((name) => `!${name}`)],
      message: `${nameOf(folder)} imports only what scripts/layers.mjs puts below it.`,
    },
  ];
  if (bannedIn(folder).length > 0)
    patterns.push({ group: bannedIn(folder).flatMap(withSubpaths), message: "Reach it through a port of types." });
  if (folder === "packages/types") patterns.push({ regex: "^node:", message: "types does no I/O." });
  return { "no-restricted-imports": ["error", { patterns }] };
}

/** The lint rules that hold the table. */
export const overrides = [
  { files: ["**/*"], rules: { "no-restricted-imports": ["error", { patterns: [publicNamesOnly] }] } },
  ...[...rows.flat(), testkit.folder].map((folder) => ({ files: [`${folder}/src/**`], rules: rule(folder, []) })),
  {
    files: [`${testkit.importedBy}/src/testing.ts`, `${testkit.importedBy}/src/testing/**`],
    rules: rule(testkit.importedBy, [testkit.folder]),
  },
];

const path = new URL("../.oxlintrc.json", import.meta.url);

/** The lint's configuration, its overrides split into those of this file and those written by hand. */
export function lintConfig() {
  /** @type {{ overrides: { files: string[], rules: object }[] }} */
  const config = JSON.parse(readFileSync(path, "utf8"));
  const [layers, byHand] = [true, false].map((ours) =>
    config.overrides.filter(({ rules }) => "no-restricted-imports" in rules === ours),
  );
  return { config, layers, byHand };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { config, byHand = [] } = lintConfig();
  writeFileSync(path, `${JSON.stringify({ ...config, overrides: [...byHand, ...overrides] }, undefined, 2)}\n`);
  spawnSync("oxfmt", [fileURLToPath(path)], { stdio: "inherit" });
}
