import type { Figure } from "../figure.ts";
import { batchGet } from "./batch-get.ts";
import { hitAwait } from "./hit-await.ts";
import { hitSync } from "./hit-sync.ts";
import { linkCreate } from "./link-create.ts";
import { place } from "./place.ts";
import { redisBytes } from "./redis-bytes.ts";

/** Every figure, in the order of the table. */
export const figures: readonly Figure[] = [
  hitSync(10_000),
  hitSync(100_000),
  hitAwait,
  linkCreate(64, 1.5),
  linkCreate(256, 2),
  linkCreate(1024, 2.5),
  batchGet,
  redisBytes,
  place,
];
