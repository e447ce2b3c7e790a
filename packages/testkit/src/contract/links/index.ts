import type { LinkStore } from "@podlink/types";
import type { MakeStore } from "../harness.ts";
import { describeStore } from "../subject.ts";
import { badLinkInputTests } from "./bad-input.ts";
import { batchTests } from "./batches.ts";
import { linkCallTests } from "./calls.ts";
import { expiryTests } from "./expiry.ts";
import { podsOfTests } from "./pods-of.ts";
import { removeTests } from "./remove.ts";
import { renewTests } from "./renew.ts";
import { repeatTests } from "./repeats.ts";
import { replaceTests } from "./replace.ts";
import { servicesOfTests } from "./services-of.ts";
import { setIfAbsentTests } from "./set-if-absent.ts";
import { setTests } from "./set.ts";
import { supersededTests } from "./superseded.ts";
import { tokenTests } from "./tokens.ts";
import { trySetTests } from "./try-set.ts";

/** The links: every row of the operations table, and what surrounds it. */
export function linkStoreContract(name: string, makeStore: MakeStore<LinkStore>): void {
  describeStore(`${name}: links`, makeStore, (subject) => {
    setTests(subject);
    trySetTests(subject);
    setIfAbsentTests(subject);
    replaceTests(subject);
    renewTests(subject);
    removeTests(subject);
    supersededTests(subject);
    repeatTests(subject);
    tokenTests(subject);
    expiryTests(subject);
    batchTests(subject);
    podsOfTests(subject);
    servicesOfTests(subject);
    badLinkInputTests(subject);
    linkCallTests(subject);
  });
}
