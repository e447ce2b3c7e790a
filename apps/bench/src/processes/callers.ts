import { RedisExecutor } from "@podlink/redis-executor";
import { RouteInfoDriver } from "@podlink/route-info-driver";
import { answerParent } from "../support/child.ts";
import type { ReadingUse } from "../support/reading-use.ts";
import { useOf } from "../support/reading-use.ts";

export type CallersQuestion =
  | { readonly open: { readonly url: string; readonly service: string; readonly callers: number } }
  | { readonly read: true };

const drivers: RouteInfoDriver[] = [];

// Callers that follow the pods of a service, each with connections and a cache of its own, as in a process of its own.
answerParent(async (question: CallersQuestion): Promise<ReadingUse> => {
  if ("open" in question) await open(question.open);
  return useOf(drivers);
});

async function open({ url, service, callers }: { url: string; service: string; callers: number }): Promise<void> {
  for (let caller = 0; caller < callers; caller += 1) {
    const store = new RedisExecutor({ url, commandTimeoutMs: 10_000 });
    const ports = { directory: store, catalogue: store, namespace: "bench" };
    const driver = new RouteInfoDriver(ports, { commandTimeoutMs: 5000 });
    drivers.push(driver);
    await driver.service(service).init({ timeoutMs: 10_000 });
  }
}
