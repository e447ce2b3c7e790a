// The Lua files as syntax trees, and what the rest of the tool asks about a node.
import luaparse from "luaparse";

/**
 * A node of luaparse's tree, as this tool looks at it.
 * @typedef {{ type: string, range: [number, number], [part: string]: any }} Node
 */

/** @typedef {{ node: Node, functionName: string, block?: Node[] }} Place `block`: the statements that a statement stands among */

/** Redis' commands that write, or tell somebody. */
export const writing = new Set(["HSET", "HSETNX", "HDEL", "PEXPIREAT", "ZADD", "ZREM", "PUBLISH"]);

/** Our functions that are there to write. */
const writers = new Set([
  "write",
  "name",
  "keepField",
  "keepKey",
  "dropExpired",
  "storeRow",
  "publishSuccessor",
  "publishRow",
  "dropOldGoodbyes",
  "create",
]);

/** What Redis is called by: `redis.call`, `redis.pcall`, and the names that create.lua has for them. */
const calls = new Set(["redis.call", "redis.pcall", "call", "tryCall"]);

/** @param {string} text @returns {Node} @throws SyntaxError with line and column */
export const parse = (text) =>
  // The first line of a script may be `#!lua flags=...`; as a comment of the same length no position changes.
  /** @type {any} */ (
    luaparse.parse(text.replace(/^#!/, "--"), {
      ranges: true,
      luaVersion: "5.1",
      comments: false,
      encodingMode: "none",
    })
  );

/** @param {Node} node @returns {Node[]} in the order of the text */
const childrenOf = (node) =>
  Object.values(node)
    .flat()
    .filter((part) => part !== null && typeof part === "object" && typeof part.type === "string");

/**
 * All nodes, from the outside in.
 * @param {Node} node @param {string} [functionName] @param {Node[]} [block] @returns {Generator<Place>}
 */
export function* placesIn(node, functionName = "", block) {
  yield block === undefined ? { node, functionName } : { node, functionName, block };
  const inner = functionNameOf(node) ?? functionName;
  const statements = Array.isArray(node["body"]) ? node["body"] : [];
  for (const child of childrenOf(node)) {
    yield* placesIn(child, functionNameIn(node, child) ?? inner, statements.includes(child) ? statements : undefined);
  }
}

/** @param {Node} node @returns {string | undefined} */
const functionNameOf = (node) =>
  node.type === "FunctionDeclaration" && node["identifier"] ? node["identifier"].name : undefined;

/** `perform = function(...)` is called perform too. @param {Node} node @param {Node} child @returns {string | undefined} */
const functionNameIn = (node, child) =>
  node.type === "AssignmentStatement" && child.type === "FunctionDeclaration" ? node["variables"][0]?.name : undefined;

/** The name of what is called: `redis.call`, `write`. @param {Node} node @returns {string | undefined} */
function calledBy(node) {
  if (node.type !== "CallExpression") return undefined;
  const { base } = node;
  if (base.type === "Identifier") return base.name;
  return base.type === "MemberExpression" && base.base.type === "Identifier"
    ? `${base.base.name}.${base.identifier.name}`
    : undefined;
}

/** The text of a literal, without its quotes. @param {Node | undefined} node @returns {string | undefined} */
export const textOf = (node) => (node?.type === "StringLiteral" ? node["raw"].slice(1, -1) : undefined);

/**
 * What a call writes by: a Redis command, one of our functions, or `*` where Redis gets whatever command it is.
 * @param {Node} node @returns {string | undefined} absent: it writes nothing
 */
export function writtenBy(node) {
  const name = calledBy(node);
  if (name === undefined) return undefined;
  if (writers.has(name)) return name;
  if (!calls.has(name)) return undefined;
  const command = textOf(node["arguments"][0]);
  return command === undefined ? "*" : writing.has(command) ? command : undefined;
}

/** Whether a statement writes anywhere in it. @param {Node} node */
export function writes(node) {
  for (const place of placesIn(node)) if (writtenBy(place.node) !== undefined) return true;
  return false;
}
