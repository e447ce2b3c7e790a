import { readFileSync, writeFileSync } from "node:fs";
import type { Place } from "./markers.ts";
import { replaceBetween } from "./markers.ts";

/** Writes into a place of a document. */
export interface DocumentPlace {
  readonly file: string;
  write(text: string): void;
}

/** Looks at once whether the document is there and has the place. @throws Error naming the file when not */
export function openDocument(file: string, place: Place): DocumentPlace {
  const replaced = (text: string): string => replaceBetween(readFileSync(file, "utf8"), place, text, file);
  replaced("");
  return { file, write: (text) => writeFileSync(file, replaced(text)) };
}
