import type { FailpointContext } from "./options.ts";
import type { Registration } from "./registration.ts";

/** Where the points of podlink's sources, which know nothing of this package, look for somebody to call. */
const HOOK = Symbol.for("podlink.failpoints/1");
/** Shared by all copies of this package that a process has loaded. */
const REGISTRATIONS = Symbol.for("podlink.failpoints/1/registrations");

type Hook = (name: string, context: FailpointContext) => Promise<void> | undefined;

const board = globalThis as { [HOOK]?: Hook; [REGISTRATIONS]?: Map<string, readonly Registration[]> };
const registrations: Map<string, readonly Registration[]> = (board[REGISTRATIONS] ??= new Map());

export function put(registration: Registration): void {
  const { name } = registration;
  registrations.set(name, [...(registrations.get(name) ?? []), registration]);
  board[HOOK] = hit;
}

export function take(registration: Registration): void {
  const { name } = registration;
  const rest = (registrations.get(name) ?? []).filter((other) => other !== registration);
  if (rest.length > 0) registrations.set(name, rest);
  else registrations.delete(name);
  if (registrations.size === 0) delete board[HOOK];
}

export function all(): Registration[] {
  return [...registrations.values()].flat();
}

/** A call comes by a point: what was asked for there happens, one after the other, in the order in which it was asked. */
export function hit(name: string, context: FailpointContext): Promise<void> | undefined {
  const met = registrations.get(name);
  return met === undefined ? undefined : meet(met, 0, context);
}

function meet(met: readonly Registration[], from: number, context: FailpointContext): Promise<void> | undefined {
  for (let at = from; at < met.length; at += 1) {
    const wait = met[at]?.meet(context);
    if (wait !== undefined) return wait.then(() => meet(met, at + 1, context));
  }
  return undefined;
}
