import { RouteError } from "@podlink/types";
import type { Connection, Script } from "./ports.ts";

/** A call of a script that uses every command it needs, once, and leaves nothing behind. */
export interface SelfTest {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

/**
 * Runs a script's self-test: commands inside scripts are checked too, and a write before a refused one stays, so what is
 * missing must be known before the first real call.
 * @throws RouteError PERMISSION_DENIED naming what is missing; what the connection throws
 */
export async function runSelfTest(
  connection: Pick<Connection, "run">,
  { script, keys, args }: SelfTest,
): Promise<void> {
  const reply = await connection.run(script, keys, args);
  const [code, command, reason] = Array.isArray(reply) ? reply.map(String) : [];
  if (code === "ok") return;
  if (code !== "refused")
    throw new RouteError("INTERNAL", `the self-test of script ${script.name} gave no answer that is known`);
  if (isPermission(reason ?? "")) throw missingPermission(script, command);
  throw new RouteError("STORE_UNAVAILABLE", `the self-test of script ${script.name}: Redis refuses to write now`);
}

/** What a script that may not run one of its commands raises, or has as the error of a `pcall`. */
export const isPermission = (text: string): boolean =>
  text.startsWith("ERR The user executing the script can't ") || text.startsWith("NOPERM ");

/**
 * The command at which a script was refused: Redis' error does not name it, but the line where it stands.
 * @param text what Redis answered. Undefined: it can't be told
 */
export function refusedCommandOf({ source }: Script, text: string): string | undefined {
  const line = / on @user_script:(\d+)\./.exec(text)?.[1];
  return /redis\.p?call\(\s*["']([A-Za-z]+)["']/.exec(source.split("\n")[Number(line) - 1] ?? "")?.[1];
}

/** @param command as the script names it. Absent: not known */
export function missingPermission(script: Script, command: string | undefined): RouteError {
  const named = command === undefined ? "one of its commands" : `+${command.toLowerCase()}`;
  return new RouteError(
    "PERMISSION_DENIED",
    `script ${script.name}: the Redis user lacks ${named}, or the key or channel that it is used on`,
    { outcome: "unknown" },
  );
}
