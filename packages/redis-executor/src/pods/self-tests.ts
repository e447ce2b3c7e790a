import { scripts } from "@podlink/lua";
import type { SelfTest } from "../connection/self-test.ts";
import { podChannel, podKeys } from "./service-keys.ts";

/** No service is called so: a DNS label does not begin with "-". */
const SERVICE = "-self-test";

/** One call of each pod script, on keys of a namespace as its services have them. */
export function podSelfTests(prefix: string, namespace: string): readonly SelfTest[] {
  const name = { namespace, service: SERVICE };
  const { register, report, leave, readPods } = scripts;
  return [register, report, leave, readPods].map((script) => ({
    script,
    keys: podKeys(prefix, name),
    args: ["self-test", podChannel(prefix, name)],
  }));
}
