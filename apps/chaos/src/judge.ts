import type { UserFigures } from "@podlink/testkit/load";
import { HEAP_GROWTH } from "./residents.ts";
import type { Seen } from "./run.ts";
import { times } from "./times.ts";
import { hasKeys } from "./users.ts";

/** The least share of requests that must be served at once where no fault was on their way. */
const AVAILABLE = 0.999;
/** The most of a run in which the machine may stand still. */
const STILL = 0.02;
/** The most of the requests that may be left out for that. */
const LEFT_OUT = 0.001;
/** What a process that gets no turn may be late, in ms, beside what the load itself measured. */
const SLACK_MS = 1000;

/** Something that must hold, and whether it did. */
export interface Finding {
  readonly name: string;
  /** What was seen, in figures. */
  readonly figure: string;
  /** What is wrong, one line each. Empty: it holds. */
  readonly wrong: readonly string[];
  /** The users whose histories explain what is wrong. */
  readonly uids?: readonly string[];
}

/** Holds what was seen to what must be. */
export function judge(seen: Seen): Finding[] {
  return [
    counters(seen),
    fences(seen),
    tokens(seen),
    settled(seen),
    availability(seen),
    heaps(seen),
    handles(seen),
    inFlight(seen),
    ends(seen),
    watched(seen),
    machine(seen),
  ];
}

function counters({ breaches, crowd }: Seen): Finding {
  const users = crowd.figures();
  const [keyed, plain] = [true, false].map((keys) => users.filter(({ uid }) => hasKeys(uid) === keys)) as [
    typeof users,
    typeof users,
  ];
  const inDoubt = keyed.filter(({ doubtful }) => doubtful > 0);
  const sum = (of: readonly UserFigures[], figure: "acknowledged" | "doubtful"): number =>
    of.reduce((total, user) => total + user[figure], 0);
  return {
    name: "acks <= count <= acks + unknown for each user; with keys equal",
    figure: `${users.length} users, ${sum(users, "acknowledged")} acks, unknown ${sum(plain, "doubtful")} without a key, ${sum(keyed, "doubtful")} with one`,
    wrong: [
      ...breaches.map(({ uid, count, least, most }) => `${uid}: the counter is ${count}, not ${least} to ${most}`),
      ...inDoubt.map(({ uid, doubtful: count }) => `${uid}: ${count} requests with a key were never acknowledged`),
    ],
    uids: [...breaches, ...inDoubt].map(({ uid }) => uid),
  };
}

function fences({ sessions }: Seen): Finding {
  return {
    name: "no write taken out of the order of (token, holder)",
    figure: `${sessions.steps} loads and writes taken`,
    wrong: sessions.violations.map(({ message }) => message),
    uids: sessions.violations.map(({ evidence }) => String(evidence["uid"])),
  };
}

function tokens({ crowd }: Seen): Finding {
  const split = crowd.figures().filter(({ splitTokens }) => splitTokens > 0);
  return {
    name: "no token answered for by two pods",
    figure: `${split.length} users with such answers`,
    wrong: split.map(
      ({ uid, splitTokens }) => `${uid}: ${splitTokens} answers under a token that another pod had answered under`,
    ),
    uids: split.map(({ uid }) => uid),
  };
}

function settled({ crowd }: Seen): Finding {
  const lateMs = Math.max(0, ...crowd.reports.map(({ figures }) => figures.lateness?.maxMs ?? 0));
  const boundMs = times.retryMs + crowd.attemptMs + SLACK_MS + lateMs;
  const requests = Array.from(crowd.requests.all());
  const late = requests.filter(({ dueMs, endedMs }) => endedMs - dueMs > boundMs);
  const silent = requests.filter(({ troubles }) => troubles.some((trouble) => trouble.startsWith("timeout ")));
  const longestMs = requests.reduce((longest, { dueMs, endedMs }) => Math.max(longest, endedMs - dueMs), 0);
  const never = crowd.reports.reduce((sum, { figures }) => sum + figures.underWay + figures.shed + figures.failed, 0);
  return {
    name: "every attempt is answered, every request settles in time",
    figure: `${requests.length} requests, the longest ${Math.round(longestMs)} ms of ${Math.round(boundMs)}`,
    wrong: [
      ...late.map(({ uid, dueMs, endedMs }) => `${uid}: a request took ${Math.round(endedMs - dueMs)} ms`),
      ...silent.map(({ uid }) => `${uid}: the gateway gave no answer within ${crowd.attemptMs} ms`),
      ...(never === 0 ? [] : [`${never} requests failed, were not sent or never ended`]),
      ...crowd.reports.flatMap(({ failures }) => failures),
    ],
    uids: [...late, ...silent].map(({ uid }) => uid),
  };
}

function availability({ availability: { others, othersServed, unexplained } }: Seen): Finding {
  const share = others === 0 ? 0 : othersServed / others;
  const reasons = new Map<string, number>();
  for (const { troubles } of unexplained) reasons.set(troubles[0] ?? "?", (reasons.get(troubles[0] ?? "?") ?? 0) + 1);
  const why = Array.from(reasons, ([reason, count]) => `${count} x ${reason}`).join(", ");
  const isBreached = share < AVAILABLE;
  return {
    name: `served at once where no fault was on the way, >= ${AVAILABLE * 100} %`,
    figure: `${(share * 100).toFixed(3)} % of ${others}${why === "" ? "" : `: ${why}`}`,
    wrong: isBreached ? [`${unexplained.length} of ${others} were not: ${why}`] : [],
    ...(isBreached && { uids: unexplained.map(({ uid }) => uid) }),
  };
}

const MEGABYTE = 1_048_576;

function heaps({ residents, residentViolations }: Seen): Finding {
  const shown = residents.map(({ name, heapBytes: [first, last], held }) => {
    return `${name} ${(first / MEGABYTE).toFixed(1)} to ${(last / MEGABYTE).toFixed(1)} MB${held[1] === 0 ? "" : ` (${held[0]} to ${held[1]} users)`}`;
  });
  return {
    name: `heap of who lived on, at most ${HEAP_GROWTH} x (pods: and what more users have there)`,
    figure: shown.join(", "),
    wrong: [
      ...residentViolations.filter(({ invariant }) => invariant === "heap").map(({ message }) => message),
      ...(residents.length === 0 ? ["no process lived from the first reading to the last"] : []),
    ],
  };
}

function handles({ residents, residentViolations }: Seen): Finding {
  return {
    name: "open files and sockets of who lived on, no more than before",
    figure: residents.map(({ name, handles: [first, last] }) => `${name} ${first} to ${last}`).join(", "),
    wrong: residentViolations.filter(({ invariant }) => invariant === "handles").map(({ message }) => message),
  };
}

function inFlight({ residentViolations }: Seen): Finding {
  return {
    name: "nothing in flight in the end",
    figure: "",
    wrong: residentViolations.filter(({ invariant }) => invariant === "in-flight").map(({ message }) => message),
  };
}

function ends({ badEnds }: Seen): Finding {
  return { name: "processes end when they are told to, in time and with 0, and only then", figure: "", wrong: badEnds };
}

/** A watcher that nobody fed would hold nothing. */
function watched({ crowd, links, sessions, happened }: Seen): Finding {
  const acknowledged = crowd.figures().reduce((sum, user) => sum + user.acknowledged, 0);
  return {
    name: "the histories are there",
    figure: `${happened.length} faults, ${links.writes} writes of links, ${sessions.writes} of sessions`,
    wrong: [
      ...(sessions.writes < acknowledged
        ? [`the session store told of ${sessions.writes} writes, ${acknowledged} were acknowledged`]
        : []),
      ...(links.writes === 0 ? ["the link store told of no write"] : []),
    ],
  };
}

const TOO_BUSY = "it was too busy for the run to show anything";

/** What users see of a machine that is too small says nothing of podlink, in either direction. */
function machine({ stalls, lastedMs, availability: { stalled, requests } }: Seen): Finding {
  const stillMs = stalls.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  const share = stillMs / lastedMs;
  return {
    name: `the machine had turns for everybody, all but ${STILL * 100} % of the time`,
    figure: `it stood still for ${Math.round(stillMs)} ms of ${Math.round(lastedMs)}`,
    wrong: [
      ...(share > STILL ? [`it stood still for ${(share * 100).toFixed(1)} % of the time: ${TOO_BUSY}`] : []),
      ...(stalled > LEFT_OUT * requests ? [`${stalled} of ${requests} requests failed just then: ${TOO_BUSY}`] : []),
    ],
  };
}
