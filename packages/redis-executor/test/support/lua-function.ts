import type { Script } from "../../src/connection/ports.ts";

/** The text of one function of a script, as Redis gets it: to be called alone. @throws Error when the script has none such */
export function luaFunction({ name, source }: Script, called: string): string {
  const text = new RegExp(`^local function ${called}\\(.*?^end$`, "ms").exec(source)?.[0];
  if (text === undefined) throw new Error(`${name} has no function ${called} of its own`);
  return text;
}
