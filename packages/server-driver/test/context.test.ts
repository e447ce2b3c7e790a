import { fakeClock } from "@podlink/testkit";
import type { Store } from "@podlink/types";
import { silentLogger } from "@podlink/types";
import { expect, test } from "vitest";
import { PodContext } from "../src/context.ts";
import type { ServerDriverSettings } from "../src/options.ts";

const settings = { namespace: "prod", service: "room", podIndex: 0, commandTimeoutMs: 500 } as ServerDriverSettings;
const never = new Promise<never>(() => undefined);

const contextOf = (): PodContext =>
  new PodContext({ store: {} as Store, clock: fakeClock(), logger: silentLogger, observer: undefined, settings });

test("whoever waits for the store when the pod ends hears so at once, and nobody waits for it after that", async () => {
  const context = contextOf();
  const waiting = [context.ask("a report", () => never), context.ask("a claim", () => never, "unknown")];
  context.close();
  await expect(waiting[0]).rejects.toMatchObject({ code: "CANCELLED" });
  await expect(waiting[1]).rejects.toMatchObject({ code: "CANCELLED", outcome: "unknown" });
  await expect(context.ask("a report", () => never)).rejects.toMatchObject({ outcome: "not-applied" });
});

test("so does whoever ended the pod by asking", async () => {
  const context = contextOf();
  const asked = context.ask("a report", () => {
    context.close();
    return never;
  });
  await expect(asked).rejects.toMatchObject({ code: "CANCELLED" });
});
