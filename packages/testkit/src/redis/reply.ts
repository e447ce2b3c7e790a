/** What Redis answers (RESP 2). Nil is `undefined`; an error inside an array is an element of it. */
export type Reply = string | number | undefined | RedisReplyError | Reply[];

/** Redis said no: the message is its own text, `ERR ...`, `WRONGPASS ...`, `MOVED 42 127.0.0.1:7001`. */
export class RedisReplyError extends Error {
  override readonly name = "RedisReplyError";
}

/** Strings travel as bytes, one character each, until here: then lengths count bytes and chunks may cut characters. */
const text = (bytes: string): string => Buffer.from(bytes, "latin1").toString("utf8");

/** A reply that isn't whole yet. */
const PARTIAL = Symbol("partial");

/** Takes replies out of chunks of a stream, however they are cut. */
export class ReplyReader {
  #unread = "";
  #at = 0;

  /** The replies that are whole with this chunk. @throws Error when it isn't RESP */
  read(chunk: Buffer): Reply[] {
    this.#unread += chunk.toString("latin1");
    const replies: Reply[] = [];
    for (let start = 0; ; start = this.#at) {
      this.#at = start;
      const reply = this.#next();
      if (reply === PARTIAL) {
        this.#unread = this.#unread.slice(start);
        return replies;
      }
      replies.push(reply);
    }
  }

  #next(): Reply | typeof PARTIAL {
    const end = this.#unread.indexOf("\r\n", this.#at);
    if (end < 0) return PARTIAL;
    const kind = this.#unread.charAt(this.#at);
    const rest = this.#unread.slice(this.#at + 1, end);
    this.#at = end + 2;
    switch (kind) {
      case "+":
        return text(rest);
      case "-":
        return new RedisReplyError(text(rest));
      case ":":
        return Number(rest);
      case "$":
        return Number(rest) < 0 ? undefined : this.#bulk(Number(rest));
      case "*":
        return Number(rest) < 0 ? undefined : this.#array(Number(rest));
      default:
        throw new Error(`Not a reply of Redis: ${JSON.stringify(kind + rest)}`);
    }
  }

  #bulk(bytes: number): string | typeof PARTIAL {
    const start = this.#at;
    if (this.#unread.length < start + bytes + 2) return PARTIAL;
    this.#at = start + bytes + 2;
    return text(this.#unread.slice(start, start + bytes));
  }

  #array(length: number): Reply[] | typeof PARTIAL {
    const items: Reply[] = [];
    while (items.length < length) {
      const item = this.#next();
      if (item === PARTIAL) return PARTIAL;
      items.push(item);
    }
    return items;
  }
}

/** A command as it travels. */
export const encodeCommand = (words: readonly (string | number)[]): string =>
  [`*${words.length}`, ...words.flatMap((word) => [`$${Buffer.byteLength(String(word))}`, word]), ""].join("\r\n");
