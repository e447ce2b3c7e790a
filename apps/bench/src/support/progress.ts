/** What a run says on its way: lines that stay, and on a terminal one that tells what is going on now. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  #shown = false;

  /** @param stream default: the error stream, so that the results stand alone in the other one */
  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  /** A line that stays. */
  readonly say = (text: string): void => {
    this.clear();
    this.#stream.write(`${text}\n`);
  };

  /** Only on a terminal, and until the next one comes. */
  readonly now = (text: string): void => {
    if (!this.#stream.isTTY) return;
    this.clear();
    const { columns } = this.#stream;
    this.#stream.write(columns > 0 ? text.slice(0, columns - 1) : text); // a terminal may not know how wide it is
    this.#shown = true;
  };

  clear(): void {
    if (!this.#shown) return;
    this.#stream.clearLine(0);
    this.#stream.cursorTo(0);
    this.#shown = false;
  }
}
