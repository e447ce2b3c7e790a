// What is done to a construct: the texts that stand in its place.
import { textOf } from "./syntax.mjs";

/** @typedef {import("./syntax.mjs").Node} Node */
/** @typedef {import("./constructs.mjs").Construct} Construct */
/** @typedef {{ operator: string, range: [number, number], after: string }} Edit */

/** Beside the opposite, what is next to it. @type {Record<string, readonly string[]>} */
const otherComparisons = {
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "==": ["~="],
  "~=": ["=="],
};

/** What a write that is left out would have answered, so that the script goes on. @type {Record<string, readonly string[]>} */
const replies = {
  HSET: ["1", "0"],
  HSETNX: ["1", "0"],
  HDEL: ["1"],
  PEXPIREAT: ["1", "0"],
  ZADD: ["1"],
  ZREM: ["1"],
  PUBLISH: ["0"],
  "*": ["'OK'"],
  write: ["nil"],
  keepField: ["nil"],
  keepKey: ["nil"],
  name: ["'1'"],
  create: ["count - position", "0, false"],
  storeRow: ["podRowText(row)"],
};

/** @param {string} text of the file @returns {(construct: Construct) => Edit[]} */
export const editsIn = (text) => (construct) => {
  const { kind, node } = construct;
  /** @param {Node} one */
  const source = (one) => text.slice(...one.range);
  /** @param {string} operator @param {string} after @returns {Edit} */
  const instead = (operator, after) => ({ operator, range: node.range, after });
  switch (kind) {
    case "if": {
      const constant = [instead("true", "true"), instead("false", "false")];
      // The opposite of a comparison, and of `not`, is among the mutants of those.
      const isNegatedThere = node["operator"] === "not" || node["operator"] in otherComparisons;
      return isNegatedThere ? constant : [...constant, instead("negated", `not (${source(node)})`)];
    }
    case "and":
    case "or": {
      const other = kind === "and" ? "or" : "and";
      const [left, right] = [source(node["left"]), source(node["right"])];
      return [
        instead(other, `((${left}) ${other} (${right}))`),
        instead("left alone", `(${left})`),
        instead("right alone", `(${right})`),
      ];
    }
    case "comparison":
      return (otherComparisons[node["operator"]] ?? []).map((other) =>
        instead(other, `${source(node["left"])} ${other} ${source(node["right"])}`),
      );
    case "write":
      return leftOut(construct, text);
    case "order":
      return moved(construct, source);
    case "not":
      return [instead("dropped", `(${source(node["argument"])})`)];
    case "flag":
      return [instead("swapped", textOf(node) === "NX" ? "'GT'" : "'NX'")];
    case "limit":
      return /** @type {const} */ ([
        ["one more", 1],
        ["one less", -1],
      ]).map(([operator, difference]) => {
        const number = String(Number(textOf(node) ?? node["value"]) + difference);
        return instead(operator, node.type === "StringLiteral" ? `'${number}'` : number);
      });
  }
};

/** @param {Construct} construct @param {string} text @returns {Edit[]} */
function leftOut({ node, command = "", isStatement, inList }, text) {
  if (inList) {
    const comma = /^\s*,/.exec(text.slice(node.range[1]))?.[0].length ?? 0;
    return [{ operator: "dropped", range: [node.range[0], node.range[1] + comma], after: "" }];
  }
  if (isStatement) return [{ operator: "dropped", range: node.range, after: "do end" }];
  const values = replies[command];
  if (!values) throw new Error(`What does ${command} answer where it is left out?`);
  return values.map((value) => ({ operator: `dropped, as if ${value}`, range: node.range, after: value }));
}

/** The guard after the write. @param {Construct} construct @param {(node: Node) => string} source @returns {Edit[]} */
function moved({ guard, write }, source) {
  if (!guard || !write) throw new Error("A guard and a write that follows it");
  /** @type {[number, number]} */
  const gap = [guard.range[1], write.range[0]];
  const between = source({ type: "gap", range: gap });
  const after =
    write.type === "ReturnStatement"
      ? `local written = ${write["arguments"].map(source).join(", ")}\n${source(guard)}\nreturn written`
      : `${source(write)}\n${source(guard)}`;
  return [{ operator: "after the write", range: [guard.range[0], write.range[1]], after: `${between}${after}` }];
}
