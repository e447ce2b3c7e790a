import type { Fault, FaultProxy, FaultRule } from "@podlink/testkit";
import type { Injections } from "./injections.ts";

/** The same proxy; each fault that befell something is on record as injected, from when it was added until it ended. */
export function recordedProxy(proxy: FaultProxy, injections: Injections): FaultProxy {
  const ends = new Map<FaultRule, () => void>();
  const add = (fault: Fault): FaultRule => {
    const rule = proxy.add(fault);
    // A rule that has met nothing yet has injected nothing.
    const over = injections.begin("proxy", describe(fault), () => rule.fired > 0);
    ends.set(rule, over);
    return new Proxy(rule, {
      get(target, name) {
        if (name === "end")
          return () => {
            target.end();
            over();
          };
        return bound(target, name);
      },
    });
  };
  return new Proxy(proxy, {
    get(target, name) {
      if (name === "add") return add;
      if (name === "heal" || name === "end")
        return (): unknown => {
          for (const over of ends.values()) over();
          return target[name]();
        };
      if (name === "reset" || name === "halfClose")
        return (...args: never[]): unknown => {
          injections.begin(
            "proxy",
            name === "reset" ? "reset of open connections" : "half close of open connections",
          )();
          return Reflect.apply(target[name], target, args);
        };
      return bound(target, name);
    },
  });
}

/** The fault with its figures; predicates say nothing to a reader. */
function describe(fault: Fault): string {
  const parts = Object.entries(fault).filter(([name, value]) => name !== "name" && typeof value !== "function");
  return parts.map(([name, value]) => (name === "fault" ? String(value) : `${name} ${String(value)}`)).join(", ");
}

function bound(target: object, name: string | symbol): unknown {
  const member: unknown = Reflect.get(target, name, target);
  return typeof member === "function" ? (member.bind(target) as unknown) : member;
}
