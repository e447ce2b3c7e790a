import type { LogFields, Logger } from "@podlink/types";

export type LogLevel = keyof Logger;

export interface LogEntry {
  readonly level: LogLevel;
  readonly fields: LogFields;
  readonly message: string;
}

/** A logger that keeps what it was told. */
export interface RecordingLogger extends Logger {
  /** Every entry, in order. */
  readonly entries: readonly LogEntry[];
  /** The entries of one level. */
  of(level: LogLevel): LogEntry[];
}

export function recordingLogger(): RecordingLogger {
  const entries: LogEntry[] = [];
  const record =
    (level: LogLevel) =>
    (fields: LogFields, message: string): void => {
      entries.push({ level, fields, message });
    };
  return {
    entries,
    of: (level) => entries.filter((entry) => entry.level === level),
    debug: record("debug"),
    info: record("info"),
    warn: record("warn"),
    error: record("error"),
  };
}
