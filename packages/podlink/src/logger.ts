import type { LogFields, Logger } from "@podlink/types";
import { silentLogger } from "@podlink/types";

/** Codes that this process was warned of. */
const told = new Set<string>();

function tell(fields: LogFields, message: string): void {
  const code = fields["code"];
  if (typeof code !== "string" || told.has(code)) return;
  told.add(code);
  process.emitWarning(message, { type: "PodlinkWarning", code });
}

/** Silent but for warnings and errors that carry a code, each of which goes to the process' warnings once. */
export const defaultLogger: Logger = { ...silentLogger, warn: tell, error: tell };
