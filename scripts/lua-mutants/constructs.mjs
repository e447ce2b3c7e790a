// What can be wrong in a Lua file: every condition, `and`, `or`, comparison and write, and some things more.
import { parse, placesIn, textOf, writes, writing, writtenBy } from "./syntax.mjs";

/** @typedef {import("./syntax.mjs").Node} Node */

/**
 * - `if`: the condition of an if, elseif, while or until
 * - `and`, `or`, `comparison`
 * - `write`: a call that writes, or such a command in the list of a self-test
 * - `order`: a guard that ends its function before a write that follows in the same block
 * - `not`, `flag` (NX or GT of a write), `limit` (a number that bounds something)
 * @typedef {"if" | "and" | "or" | "comparison" | "write" | "order" | "not" | "flag" | "limit"} Kind
 */

/** The kinds of which every one must have a mutant, as all have: they are listed in this order. @type {readonly Kind[]} */
export const kinds = ["if", "and", "or", "comparison", "write", "order", "not", "flag", "limit"];

/**
 * @typedef {{
 *   kind: Kind, node: Node, functionName: string,
 *   command?: string, isStatement?: boolean, inList?: boolean, guard?: Node, write?: Node,
 * }} Construct
 */

const comparisons = new Set(["<", "<=", ">", ">=", "==", "~="]);

/** A number from which on it is no counting: a size, a time, a limit. So is every whole one that has a name. */
const LEAST_LIMIT = 100;

/** The whole number of `local MOST = 128` or `'128'`. @param {Node} node @returns {Node[]} */
function namedLimit({ variables: [variable], init: [value] }) {
  if (!/^[A-Z_]+$/.test(variable.name) || !/^\d+$/.test(textOf(value) ?? value?.raw)) return [];
  const isFoundByItself = value.type === "NumericLiteral" && value.value >= LEAST_LIMIT;
  return isFoundByItself ? [] : [value];
}

/** Whether it is an `if` that only lets pass: no other branch, and it ends the function. @param {Node} node */
function isGuard(node) {
  if (node.type !== "IfStatement" || node["clauses"].length !== 1) return false;
  return node["clauses"][0].body.at(-1)?.type === "ReturnStatement";
}

/** @param {import("./syntax.mjs").Place} place @returns {Construct[]} */
function constructsAt({ node, functionName, block }) {
  switch (node.type) {
    case "IfClause":
    case "ElseifClause":
    case "WhileStatement":
    case "RepeatStatement":
      return [{ kind: "if", node: node["condition"], functionName }];
    case "IfStatement": {
      const write = isGuard(node) ? block?.slice(block.indexOf(node) + 1).find(writes) : undefined;
      return write === undefined ? [] : [{ kind: "order", node, functionName, guard: node, write }];
    }
    case "LogicalExpression":
      return [{ kind: node["operator"] === "and" ? "and" : "or", node, functionName }];
    case "BinaryExpression":
      return comparisons.has(node["operator"]) ? [{ kind: "comparison", node, functionName }] : [];
    case "UnaryExpression":
      return node["operator"] === "not" ? [{ kind: "not", node, functionName }] : [];
    case "LocalStatement":
      return namedLimit(node).map((value) => ({ kind: "limit", node: value, functionName }));
    case "NumericLiteral":
      return node["value"] >= LEAST_LIMIT ? [{ kind: "limit", node, functionName }] : [];
    case "CallStatement":
      return writesAt(node["expression"], functionName, true);
    case "CallExpression":
      return writesAt(node, functionName, false);
    case "TableConstructorExpression":
      return listedCommand(node) ? [{ kind: "write", node, functionName, inList: true }] : [];
    default:
      return [];
  }
}

/** Whether it is `{ 'HDEL', key, ... }`, as self-tests list commands. @param {Node} node */
const listedCommand = (node) => writing.has(textOf(node["fields"][0]?.value) ?? "");

/** @param {Node} node @param {string} functionName @param {boolean} isStatement @returns {Construct[]} */
function writesAt(node, functionName, isStatement) {
  const command = writtenBy(node);
  if (command === undefined) return [];
  const flags = /** @type {Node[]} */ (node["arguments"]).filter((one) => ["NX", "GT"].includes(textOf(one) ?? ""));
  return [
    { kind: "write", node, functionName, command, isStatement },
    ...flags.map((flag) => ({ kind: /** @type {const} */ ("flag"), node: flag, functionName })),
  ];
}

/** All of a file, in the order of its text. @param {string} text @returns {Construct[]} */
export function constructsIn(text) {
  const found = [];
  const statements = new Set();
  for (const place of placesIn(parse(text))) {
    if (place.node.type === "CallStatement") statements.add(place.node["expression"]);
    else if (statements.has(place.node)) continue; // counted with its statement
    found.push(...constructsAt(place));
  }
  return found.toSorted((one, other) => one.node.range[0] - other.node.range[0]);
}
