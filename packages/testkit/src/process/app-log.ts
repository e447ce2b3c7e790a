import { appendFileSync, closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from "node:fs";

/** What is looked at of a long output. */
const WINDOW_BYTES = 1_048_576;
/** What stands in an error. */
const END_BYTES = 4096;

/** The output of all lives of an app, in a file: how long it gets costs no memory. */
export class AppLog {
  readonly file: string;
  #lifeStart = 0;
  /** Absent: it goes on. */
  #lifeEnd: number | undefined;

  constructor(file: string) {
    this.file = file;
  }

  /** A line of ours; what follows it is the output of a new life. */
  beginLife(text: string): void {
    this.#mark(text);
    this.#lifeStart = statSync(this.file).size;
    this.#lifeEnd = undefined;
  }

  /** A line of ours; what follows it belongs to no life. */
  endLife(text: string): void {
    this.#lifeEnd = statSync(this.file).size;
    this.#mark(text);
  }

  all(): string {
    return readFileSync(this.file, "utf8");
  }

  /** Of this life, at most the last MiB. */
  ofThisLife(atMostBytes: number = WINDOW_BYTES): string {
    const file = openSync(this.file, "r");
    try {
      const end = this.#lifeEnd ?? fstatSync(file).size;
      const start = Math.max(this.#lifeStart, end - atMostBytes);
      const bytes = Buffer.alloc(end - start);
      return bytes.toString("utf8", 0, readSync(file, bytes, 0, bytes.length, start));
    } finally {
      closeSync(file);
    }
  }

  /** For an error: the end of this life's. */
  end(): string {
    const text = this.ofThisLife(END_BYTES).trim();
    return text === "" ? "It wrote nothing." : `The end of its output:\n${text}`;
  }

  #mark(text: string): void {
    appendFileSync(this.file, `=== ${text} ===\n`);
  }
}
