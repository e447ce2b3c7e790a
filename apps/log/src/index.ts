/** Where the sample programs log to. */
import type { Logger } from "pino";
import { destination, pino } from "pino";

/** What may wait for a reader of the log that has stopped reading; more is dropped, and the program goes on. */
const WAITING_BYTES = 1_048_576;

/** Lines of JSON to standard output, that nobody waits for. @param options.level default info. */
export function programLog(options: { readonly name?: string; readonly level?: string } = {}): Logger {
  return pino(options, destination({ sync: false, maxLength: WAITING_BYTES }));
}
