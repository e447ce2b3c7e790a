// A pod that takes the uid "ann", says so, and removes its link when it is told to, with the grace that its argument names.
import { sleep } from "@podlink/types";
import { joinAsPod } from "podlink";
import { processTimes, routesWith, serverWith } from "./times.ts";

const [graceMs] = process.argv.slice(2);
const redis = process.env["REDIS_URL"] ?? "";
process.once("disconnect", () => process.exit(1)); // the test is over

const pod = await joinAsPod({
  redis,
  namespace: "test",
  service: "room",
  podIndex: 0,
  server: serverWith(processTimes),
  routes: routesWith(processTimes),
});
pod.ready();
let answer = await pod.driver.guard("ann");
while (!answer.ok && answer.reason === "unavailable") {
  await sleep(50); // the store was too slow to answer, on a busy machine
  answer = await pod.driver.guard("ann");
}
process.send?.({ taken: answer.ok });
process.once("message", () => {
  void pod.driver.removeLinkedPod("ann", Number(graceMs)).then(() => process.send?.({ removed: true }));
});
