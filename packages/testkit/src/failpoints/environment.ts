import { describeValue, RouteError } from "@podlink/types";
import type { ActingFailpoint, FailpointAction } from "./options.ts";
import { checkOptions } from "./options.ts";
import type { FailpointName } from "./points.ts";
import { checkName } from "./points.ts";

/** The environment variable that says what happens at the points of a process. */
export const VARIABLE = "PODLINK_FAILPOINTS";

/** What happens at one point. */
export interface PlannedFailpoint {
  readonly name: FailpointName;
  readonly options: ActingFailpoint;
  /** The action as it was written: `pause(3000)`. */
  readonly text: string;
}

const TERM = /^(?:(?<count>\d+)\*)?(?<text>(?<action>exit|throw|pause|off)(?:\((?<ms>\d+)\))?)$/;

/**
 * Reads `point=terms;point=terms`. A term is `exit`, `throw`, `pause`, `pause(milliseconds)` or `off`, for so many calls with
 * `3*` before it; `->` stands between terms that follow each other. Empty: nothing.
 * @throws RouteError CONFIG naming the part that is wrong
 */
export function parseFailpoints(text: string): PlannedFailpoint[] {
  const items = text.split(";").map((item) => item.trim());
  return items.filter((item) => item !== "").flatMap(planned);
}

function planned(item: string): PlannedFailpoint[] {
  const [point = "", terms] = item.split(/=(.*)/s);
  if (terms === undefined) throw wrong(item, "say what happens, as in after-remove=exit");
  const name = checked(item, () => checkName(point.trim()));
  const all: PlannedFailpoint[] = [];
  let after: number | undefined = 0;
  for (const term of terms.split("->")) {
    const { count, text = "", action, ms } = TERM.exec(term.trim())?.groups ?? {};
    if (action === undefined) throw wrong(term, "be exit, throw, pause, pause(milliseconds) or off, or as 3*throw");
    if (after === undefined) throw wrong(term, "follow something that is counted, as in 2*off->exit");
    const times = count === undefined ? undefined : Number(count);
    if (action !== "off") {
      const options: ActingFailpoint = {
        action: action as FailpointAction,
        after,
        ...(times === undefined ? undefined : { times }),
        ...(ms === undefined ? undefined : { ms: Number(ms) }),
      };
      checked(item, () => checkOptions(name, options));
      all.push({ name, text, options });
    } else if (times === 0 || ms !== undefined) throw wrong(term, "be off, or as 3*off");
    after = times === undefined ? undefined : after + times;
  }
  return all;
}

function checked<T>(item: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    const { message } = RouteError.from(error);
    throw new RouteError("CONFIG", `${VARIABLE}: ${describeValue(item)}: ${message}`, { cause: error });
  }
}

function wrong(part: string, rule: string): RouteError {
  return new RouteError("CONFIG", `${VARIABLE}: ${describeValue(part.trim())} must ${rule}`);
}
