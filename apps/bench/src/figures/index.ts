import type { Figure } from "../figure.ts";
import { hitAwait } from "./hit-await.ts";
import { hitSync } from "./hit-sync.ts";
import { place } from "./place.ts";

/** Every figure, in the order of the table. */
export const figures: readonly Figure[] = [hitSync(10_000), hitSync(100_000), hitAwait, place];
