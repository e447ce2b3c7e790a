// The documents against the tree: relative links and their anchors lead somewhere, `npm run` names exist, and code blocks
// that begin with an import compile, and blocks that name a file are that file's text. What a block doesn't declare or import from us is the reader's own, and not checked.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { absolute, workspace } from "./workspace.mjs";

/** @param {string} folder @param {boolean} recursive */
const documentsIn = (folder, recursive) =>
  readdirSync(folder, { recursive, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name));
const documents = [
  ...documentsIn(".", false),
  ...documentsIn("docs", true),
  ...workspace().flatMap(({ folder }) => documentsIn(folder, false)),
];
const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
/** @type {string[]} */
const failures = [];
const found = { documents: documents.length, links: 0, commands: 0, blocks: 0, excerpts: 0 };

/** As GitHub makes them from headings. @param {string} text */
const anchors = (text) =>
  [...text.matchAll(/^#{1,6} (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(/\s/g, "-"),
  );

/** @param {string} document @param {string} prose */
function checkLinks(document, prose) {
  for (const [, target = ""] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    found.links += 1;
    const [path = "", anchor] = target.split("#");
    const file = path ? join(dirname(document), path) : document;
    if (!existsSync(file)) failures.push(`${document}: ${target} leads nowhere`);
    else if (anchor && !anchors(readFileSync(file, "utf8")).includes(anchor))
      failures.push(`${document}: ${target}: no such heading`);
  }
}

/** @param {string} document @param {string} text */
function checkCommands(document, text) {
  for (const [, name = ""] of text.matchAll(/npm run ([\w:-]+)/g)) {
    found.commands += 1;
    if (!(name in scripts)) failures.push(`${document}: there is no npm run ${name}`);
  }
}

/** What stands between `// #region name` and the next `// #endregion`, moved to the left. @param {string} text @param {string} name */
function regionOf(text, name) {
  const lines = text.split("\n");
  const from = lines.findIndex((line) => line.trim() === `// #region ${name}`) + 1;
  const to = lines.findIndex((line, index) => index >= from && line.trim() === "// #endregion");
  if (from === 0 || to < 0) return undefined;
  const region = lines.slice(from, to);
  const indent = Math.min(...region.filter((line) => line !== "").map((line) => line.search(/\S/)));
  return region.map((line) => `${line.slice(indent)}\n`).join("");
}

/** @param {string} document @param {string} text */
function checkExcerpts(document, text) {
  for (const [, source = "", block] of text.matchAll(/^```\w+ file=(.*?)\n(.*?)^```/gms)) {
    found.excerpts += 1;
    const [path = "", region] = source.split("#");
    const whole = existsSync(path) ? readFileSync(path, "utf8") : undefined;
    const expected = whole !== undefined && region !== undefined ? regionOf(whole, region) : whole;
    if (expected === undefined) failures.push(`${document}: there is no ${source}`);
    else if (expected.trim() !== block?.trim()) failures.push(`${document}: the block of ${source} is another text`);
  }
}

const compiled = absolute(".cache/docs");
/** @param {string} document @param {string} text */
function takeBlocks(document, text) {
  for (const block of text.matchAll(/^```ts\n(import .*?)^```/gms)) {
    const line = text.slice(0, block.index).split("\n").length;
    found.blocks += 1;
    writeFileSync(join(compiled, `${document.replaceAll(/\W/g, "-")}-line-${line}.ts`), `${block[1]}\nexport {};\n`);
  }
}

function compileBlocks() {
  if (found.blocks === 0) return;
  const sources = workspace().flatMap(({ folder, manifest }) =>
    Object.entries(manifest.exports ?? {}).map(([subpath, { "@podlink/source": source = "" }]) => [
      manifest.name + subpath.slice(1),
      [absolute(join(folder, source))],
    ]),
  );
  const compilerOptions = {
    noImplicitAny: false,
    noEmit: true,
    composite: false,
    isolatedDeclarations: false,
    rootDir: absolute("."),
    paths: Object.fromEntries(sources),
  };
  writeFileSync(
    join(compiled, "tsconfig.json"),
    JSON.stringify({ extends: "../../tsconfig.base.json", compilerOptions, include: ["."] }),
  );
  const { stdout } = spawnSync("tsc", ["-p", compiled, "--pretty", "false"], { encoding: "utf8" });
  for (const [, file = "", line, message = ""] of stdout.matchAll(/^\.cache\/docs\/(.*)\.ts\((\d+),\d+\): (.*)$/gm)) {
    const readersOwn = /error TS(?:2304|18004|18046|2307: Cannot find module '(?!podlink|@podlink\/))/.test(message);
    if (!readersOwn) failures.push(`${file}, line ${line} of the block: ${message}`);
  }
}

rmSync(compiled, { recursive: true, force: true });
mkdirSync(compiled, { recursive: true });
for (const document of documents) {
  const text = readFileSync(document, "utf8");
  checkLinks(document, text.replaceAll(/^```.*?^```/gms, "").replaceAll(/`[^`\n]*`/g, ""));
  checkCommands(document, text);
  checkExcerpts(document, text);
  takeBlocks(document, text);
}
compileBlocks();

for (const failure of failures) process.stdout.write(`✗ ${failure}\n`);
process.stdout.write(
  `${Object.entries(found)
    .map(([what, number]) => `${number} ${what}`)
    .join(", ")} checked\n`,
);
process.stdout.write(
  `\n${Math.max(found.links + found.commands + found.blocks + found.excerpts - failures.length, 0)} passed, ${failures.length} failed, 0 skipped\n`,
);
process.exitCode = failures.length > 0 ? 1 : 0;
