// Which tests may kill a mutant of which file. Cheap ones first; those of random histories only when nothing else did.
const tests = "packages/redis-executor/test";

/** @param {string[]} names */
const specs = (...names) => names.map((name) => `${tests}/${name}.test.ts`);

const links = {
  directed: specs(
    "links/contract",
    "links/new-links",
    "links/key-expiry",
    "links/full-redis",
    "links/lost-links",
    "links/self-tests",
    "links/store-time",
    "links/corrupt-values",
    "links/refusals",
    "links/record-size",
    "links/round-trips",
  ),
  random: specs("links/equivalence/equivalence"),
};
const pods = {
  directed: specs(
    "pods/contract.single",
    "pods/unreadable-rows",
    "pods/self-tests",
    "pods/limits",
    "pods/store-time",
    "pods/replies",
    "pods/old-goodbyes",
    "pods/reports",
    "pods/many-pods",
  ),
  random: specs("pods/equivalence.property"),
};

/** @typedef {{ directed: string[], random: string[] }} Suites */

/** @param {string} file from lua/, without the suffix @returns {Suites} */
export function suitesOf(file) {
  const name = file.replace("lib/", "");
  if (name === "base36" || name === "stamp")
    return { ...links, directed: [...links.directed, ...specs("links/base36")] };
  if (name === "selfTest")
    return { directed: [...specs("links/self-tests", "pods/self-tests"), ...links.directed], random: [] };
  return name.startsWith("pods/") || ["register", "report", "leave", "readPods"].includes(name) ? pods : links;
}
