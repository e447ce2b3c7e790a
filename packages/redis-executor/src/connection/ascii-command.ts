/** What stands before an argument of so many bytes (RESP); few arguments are longer. */
const HEADS: readonly string[] = Array.from({ length: 512 }, (_, bytes) => headOf(bytes));

/**
 * A command as it is written to Redis. Undefined: it has an argument that is not ASCII.
 *
 * All parts are put together at once: a text that grows part by part is put together twice, and to ask each argument for its
 * bytes, by a call out of V8, costs as much as that. Of ASCII there are as many bytes as characters, and the whole shows what it is.
 */
export function asciiCommand(name: string, args: readonly string[]): string | undefined {
  const parts = [`*${args.length + 1}`, headOf(name.length), name];
  for (const arg of args) parts.push(HEADS[arg.length] ?? headOf(arg.length), arg);
  parts.push("\r\n");
  const text = parts.join("");
  return Buffer.byteLength(text) === text.length ? text : undefined;
}

function headOf(bytes: number): string {
  return `\r\n$${bytes}\r\n`;
}
