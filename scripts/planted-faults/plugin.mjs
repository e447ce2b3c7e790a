// Plants one fault of faults.mjs into the sources that a vitest run loads; the files themselves stay as they are.
import { absolute } from "../workspace.mjs";
import { faults } from "./faults.mjs";

/** What the run says on stderr once the fault is in: a test that never loads the file proves nothing. @param {string} name */
export const plantedNotice = (name) => `planted: ${name}`;

/**
 * The source with the patch in it.
 * @param {string} code @param {import("./faults.mjs").Patch} patch
 * @throws Error when the text to be replaced isn't there as often as the patch says: the fault has to be planted anew
 */
export function patched(code, { file, find, replace, times = 1 }) {
  const parts = code.split(find);
  if (parts.length - 1 !== times)
    throw new Error(`${file} has ${parts.length - 1} times, not ${times}: ${JSON.stringify(find)}`);
  return parts.join(replace);
}

/** @param {string | undefined} name of the fault. Absent or empty: none @returns {import("vitest/config").Plugin[]} */
export function plantedFault(name) {
  if (!name) return [];
  const fault = faults.find((one) => one.name === name);
  if (fault === undefined) throw new Error(`PODLINK_PLANTED: there is no fault ${JSON.stringify(name)}`);
  return [
    {
      name: "podlink-planted-fault",
      enforce: "pre",
      transform(code, id) {
        const [path] = id.split("?", 1);
        const here = fault.patches.filter(({ file }) => absolute(file) === path);
        if (here.length === 0) return undefined;
        process.stderr.write(`${plantedNotice(name)}\n`);
        return { code: here.reduce(patched, code), map: null };
      },
    },
  ];
}
