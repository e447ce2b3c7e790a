import { describeValue } from "@podlink/types";

/** What was thrown, in words for people. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : describeValue(thrown);
}
