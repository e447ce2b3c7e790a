import { refuse } from "@podlink/types";

/**
 * podlink's own points, and whether their code can wait. The list stands in `@podlink/types/failpoint` too, which published
 * packages don't have; a test holds the two together.
 */
const POINTS = {
  "before-register": "async",
  "before-claim": "async",
  "after-claim": "async",
  "before-report": "async",
  "after-report": "async",
  "before-renew": "async",
  "before-remove": "async",
  "after-remove": "async",
  "mid-hand-off": "async",
  "after-move": "async",
  "mid-drain": "async",
  "before-goodbye": "async",
  "before-script": "async",
  "after-script": "async",
  "before-repeat": "sync",
  "before-fill": "async",
  "before-replace": "async",
  "before-load": "async",
  "after-load": "async",
  "before-save": "async",
  "after-save": "async",
} as const;

/** A point of your own service: a word of yours, a colon, and the point: `room:before-write`. */
export type OwnFailpointName = `${string}:${string}`;

/** A point of podlink, or one of your own service. */
export type FailpointName = keyof typeof POINTS | OwnFailpointName;

const OWN = /^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*$/;

/** @throws RouteError INVALID_ARGUMENT, with the names that there are */
export function checkName(name: string): FailpointName {
  if (Object.hasOwn(POINTS, name) || OWN.test(name)) return name as FailpointName;
  const rule = `one of ${Object.keys(POINTS).join(", ")}; or one of your own, such as room:before-write`;
  return refuse("a failpoint", rule, name);
}

/** Whether the code of the point goes on at once: nothing there can be waited for but by standing still. */
export function isSync(name: FailpointName): boolean {
  return (POINTS as Readonly<Record<string, "async" | "sync">>)[name] === "sync";
}
