import type { Figure } from "../measure/figure.ts";
import { balance } from "./balance.ts";
import { batchGet, batchGetCluster } from "./batch-get.ts";
import { clientBytes } from "./client-bytes.ts";
import { failover } from "./failover.ts";
import { gatewayHttp } from "./gateway-http.ts";
import { growthLinks } from "./growth-links.ts";
import { growthPlacement, growthRefresh } from "./growth-pods.ts";
import { hitAlloc } from "./hit-alloc.ts";
import { hitAwait } from "./hit-await.ts";
import { hitSync } from "./hit-sync.ts";
import { linkCreate, linkCreateCluster, linkCreateOne } from "./link-create.ts";
import { place } from "./place.ts";
import { redisBytes } from "./redis-bytes.ts";
import { statePush } from "./state-push.ts";

/** Every figure, in the order of the table. */
export const figures: readonly Figure[] = [
  hitSync(10_000),
  hitSync(100_000),
  hitAwait,
  hitAlloc,
  linkCreate(64, 1.5, 113_000),
  linkCreate(256, 2, 127_000),
  linkCreate(1024, 2.5, 128_000),
  linkCreateOne,
  linkCreateCluster,
  batchGet,
  batchGetCluster,
  redisBytes,
  clientBytes,
  place,
  ...balance,
  statePush("p50"),
  statePush("p99"),
  failover("next-answer"),
  failover("others-p99"),
  gatewayHttp,
  growthLinks,
  growthPlacement,
  growthRefresh,
];
