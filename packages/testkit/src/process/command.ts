import { fileURLToPath } from "node:url";
import type { AppOptions } from "./app-options.ts";

/** The program of an app and its arguments. */
export function commandOf({ command = [], node }: AppOptions): readonly string[] {
  if (node === undefined) return command;
  const { script, args = [], execArgv = [] } = node;
  return [process.execPath, ...execArgv, script instanceof URL ? fileURLToPath(script) : script, ...args];
}

/** What this process has, and what the app is given or denied. */
export const environmentOf = ({ env }: AppOptions): NodeJS.ProcessEnv => ({ ...process.env, ...env });
