import { RouteError } from "@podlink/types";
import type { Change, Message, SessionWrite, StoredSession, UsedKey } from "../session-store.ts";
import { KEPT } from "../session-store.ts";

/** The session in the fields of its hash, as the script `write` puts them there. @throws RouteError CORRUPT */
export function sessionOf(reply: readonly string[]): StoredSession {
  const fields = new Map<string, string>();
  for (let index = 0; index + 1 < reply.length; index += 2) fields.set(String(reply[index]), String(reply[index + 1]));
  const sequence = numberIn(fields, "sequence");
  return {
    count: numberIn(fields, "count"),
    sequence,
    messages: newest<Message>(fields, "message", numberIn(fields, "messages")),
    changes: newest<Change>(fields, "change", sequence),
    keys: newest<UsedKey>(fields, "key", numberIn(fields, "keys")),
  };
}

/** The arguments of the script `write` after the fence and the ttl. */
export function argumentsOf({ change, key }: SessionWrite): string[] {
  const { sequence, count, text } = change;
  const message: Message | undefined = text === undefined ? undefined : { sequence, text };
  return [String(sequence), String(count), ...[change, message, key].map((item) => (item ? JSON.stringify(item) : ""))];
}

function numberIn(fields: ReadonlyMap<string, string>, name: string): number {
  const value = Number(fields.get(name) ?? "0");
  return Number.isSafeInteger(value) && value >= 0 ? value : corrupt(name);
}

/** The last ones of so many that there ever were, the newest last. */
function newest<T>(fields: ReadonlyMap<string, string>, name: string, total: number): T[] {
  const from = Math.max(0, total - KEPT);
  return Array.from({ length: total - from }, (_, index) => {
    const field = `${name}:${(from + index) % KEPT}`;
    try {
      return JSON.parse(fields.get(field) ?? "") as T;
    } catch {
      return corrupt(field);
    }
  });
}

function corrupt(field: string): never {
  throw new RouteError("CORRUPT", `the stored session has no readable ${field}`, { outcome: "not-applied" });
}
