import { startRedis } from "@podlink/testkit/redis";

/** A Redis that this process starts and ends. */
export interface OwnRedis {
  readonly url: string;
  end(): Promise<void>;
}

/** Starts one on a free port, which dies with this process, however that ends. @throws Error where no redis-server is installed */
export const startOwnRedis = (): Promise<OwnRedis> => startRedis({ appendOnly: "everysec" });
