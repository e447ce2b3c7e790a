import type { Reply } from "./reply.ts";

/** The `field:value` lines of INFO, of CLUSTER INFO. */
export const fieldsOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split("\r\n")
      .filter((line) => line.includes(":"))
      .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]),
  );

/** A reply of names and values in turn. */
export const textsOf = (reply: Reply): Record<string, string> => {
  const items = Array.isArray(reply) ? reply.map(String) : [];
  return Object.fromEntries(
    Array.from({ length: items.length / 2 }, (_, index) => [items[2 * index], items[2 * index + 1]]),
  ) as Record<string, string>;
};
