// The mutants that no test can tell from the script, and why.
import { readFileSync } from "node:fs";
import { absolute } from "../workspace.mjs";

/** @returns {Map<string, string>} from the id of a mutant to the argument @throws Error when one is listed twice */
export function equivalents() {
  /** @type {{ why: string, mutants: string[] }[]} */
  const listed = JSON.parse(readFileSync(absolute("scripts/lua-mutants/equivalents.json"), "utf8"));
  const pairs = listed.flatMap(({ why, mutants }) => mutants.map((id) => /** @type {const} */ ([id, why])));
  const twice = pairs.find(([id], at) => pairs.findIndex(([other]) => other === id) !== at);
  if (twice) throw new Error(`equivalents.json lists this twice: ${twice[0]}`);
  return new Map(pairs);
}
