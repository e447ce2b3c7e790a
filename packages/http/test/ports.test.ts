import type { ServiceHandle } from "@podlink/client-driver";
import type { ServerDriver } from "@podlink/server-driver";
import { expectTypeOf, test } from "vitest";
import type { PodEntrance, ServiceRoute } from "@podlink/http";

test("the drivers have what the proxy and the guard ask for", () => {
  expectTypeOf<ServiceHandle>().toExtend<ServiceRoute>();
  expectTypeOf<ServerDriver>().toExtend<PodEntrance>();
});
