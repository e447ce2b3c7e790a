/** Takes structured entries; pino's loggers fit. Entries never contain a password, and a uid only as the user passed it on. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

const ignore = (): void => undefined;

/** Drops everything: the default of every package. */
export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
