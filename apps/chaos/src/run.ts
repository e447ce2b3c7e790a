import { sleep } from "@podlink/types";
import type { Happened } from "./acts.ts";
import { act } from "./acts.ts";
import type { Availability } from "./availability.ts";
import { availabilityOf } from "./availability.ts";
import { commandsOf } from "./commands-of.ts";
import { hitsOf } from "./hits.ts";
import { LinkHistory } from "./link-history.ts";
import { Place } from "./place.ts";
import type { PlantedFault } from "./planted-faults.ts";
import type { Resident } from "./residents.ts";
import { Residents } from "./residents.ts";
import type { Schedule } from "./schedule.ts";
import { describeFault } from "./schedule.ts";
import { SessionHistory } from "./session-history.ts";
import type { Stall } from "./stalls.ts";
import { watchStalls } from "./stalls.ts";
import { Crowd } from "./users.ts";

export interface RunOptions {
  readonly schedule: Schedule;
  readonly users: number;
  readonly ratePerSecond: number;
  /** How long gateways hold a request whose pod can't take it now, in milliseconds. 0: they don't. */
  readonly holdMs: number;
  /** The fault that is planted into the sources of gateways and pods. Absent: none. */
  readonly planted?: PlantedFault | undefined;
  /** Where logs of the processes are kept. Absent: they go with the run. */
  readonly logDirectory?: string | undefined;
  /** Hears how it goes. */
  readonly say: (line: string) => void;
  /** Ends the run where it is; then it rejects. */
  readonly signal: AbortSignal;
}

/** All that was seen. */
export interface Seen extends Histories {
  /** When the schedule began, by `performance.now()`. */
  readonly startedMs: number;
  readonly lastedMs: number;
  readonly happened: readonly Happened[];
  readonly crowd: Crowd;
  readonly availability: Availability;
  readonly breaches: Awaited<ReturnType<Crowd["breaches"]>>;
  readonly residents: readonly Resident[];
  readonly residentViolations: Residents["violations"];
  /** Processes that ended though nobody told them to, or not well when they were told. */
  readonly badEnds: readonly string[];
}

/** The whole run: from nothing to nothing, but for what was seen. @throws Error when it could not be made, or was ended */
export async function run(options: RunOptions): Promise<Seen> {
  const { say, signal } = options;
  say("starting 5 pods, 2 gateways, 2 stores ...");
  await using place = await Place.start(options);
  const links = new LinkHistory();
  const sessions = new SessionHistory();
  const machine = watchStalls(place.sessions);
  const watches = [
    machine,
    await commandsOf(place.links, (command) => links.hear(command)),
    await commandsOf(place.sessions, (command) => sessions.hear(command)),
  ];
  try {
    signal.throwIfAborted();
    const seen = disturb(place, { links, sessions, stalls: machine.stalls }, options);
    seen.catch(() => undefined); // of a run that was ended everything fails
    return await Promise.race([seen, rejectedBy(signal)]);
  } finally {
    for (const watch of watches) watch.close();
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error(String(signal.reason))), { once: true });
  });
}

interface Histories {
  readonly links: LinkHistory;
  readonly sessions: SessionHistory;
  /** When the machine itself had no turn for somebody. */
  readonly stalls: readonly Stall[];
}

async function disturb(place: Place, histories: Histories, options: RunOptions): Promise<Seen> {
  const { schedule, users, ratePerSecond, holdMs, say, signal } = options;
  const crowd = new Crowd({ urls: place.urls, users, ratePerSecond, holdMs, seed: schedule.seed });
  const residents = new Residents(place);
  await crowd.warmUp(signal);
  say(`${users} users are linked; ${ratePerSecond} requests a second begin`);
  const startedMs = performance.now();
  await crowd.begin(signal);
  const reading = async (): Promise<void> => {
    await crowd.rest();
    await residents.first(crowd.changesOfOne);
    await crowd.begin(signal);
    say(at(startedMs, "heaps and handles are read"));
  };
  const happened = await follow(schedule, { place, startedMs, say, signal, reading });
  await crowd.rest();
  const lastedMs = performance.now() - startedMs;
  say(at(startedMs, "the load has ended; counters, heaps and handles are read"));
  const breaches = await crowd.breaches();
  await residents.whenQuiet();
  const lived = await residents.last(crowd.changesOfOne);
  const badEnds = await endWell(place, happened);
  return {
    startedMs,
    lastedMs,
    happened,
    crowd,
    ...histories,
    availability: availabilityOf(crowd.requests, histories, hitsOf(happened)),
    breaches,
    residents: lived,
    residentViolations: residents.violations,
    badEnds,
  };
}

interface Following {
  readonly place: Place;
  readonly startedMs: number;
  readonly say: RunOptions["say"];
  readonly signal: AbortSignal;
  /** Made between two faults, when the schedule says so. */
  readonly reading: () => Promise<void>;
}

/** Makes everything happen in its time. What takes longer than expected makes all that follows later, so that only what is meant to overlaps. */
async function follow(schedule: Schedule, { place, startedMs, say, signal, reading }: Following): Promise<Happened[]> {
  const underWay: Promise<Happened>[] = [];
  let plannedEndMs = 0;
  let laterMs = 0;
  const whenDue = async (atMs: number): Promise<void> => {
    if (atMs >= plannedEndMs) {
      await Promise.all(underWay);
      laterMs = Math.max(laterMs, performance.now() - startedMs - plannedEndMs);
    }
    await sleep(Math.max(0, startedMs + atMs + laterMs - performance.now()), { signal });
    signal.throwIfAborted();
  };
  let isRead = false;
  const readWhenDue = async (beforeMs: number): Promise<void> => {
    if (isRead || beforeMs < schedule.readingAtMs) return;
    isRead = true;
    await whenDue(schedule.readingAtMs);
    await reading();
  };
  for (const fault of schedule.faults) {
    await readWhenDue(fault.atMs);
    await whenDue(fault.atMs);
    say(at(startedMs, describeFault(fault)));
    underWay.push(toldEnd(act(fault, place), startedMs, say));
    underWay.at(-1)?.catch(() => undefined); // it is waited for, below
    plannedEndMs = Math.max(plannedEndMs, fault.atMs + fault.lastsMs);
  }
  await readWhenDue(Number.POSITIVE_INFINITY);
  await whenDue(schedule.durationMs);
  return Promise.all(underWay);
}

async function toldEnd(acting: Promise<Happened>, startedMs: number, say: RunOptions["say"]): Promise<Happened> {
  const happened = await acting;
  const isPlanned = happened.fault.kind === "rolling-restart" || happened.fault.kind === "scale";
  if (isPlanned)
    say(at(startedMs, `  ${happened.fault.kind} is done after ${seconds(happened.toMs - happened.fromMs)}`));
  for (const problem of happened.problems) say(at(startedMs, `  ${problem}`));
  return happened;
}

/** SIGTERM to all: each must end by itself, in time and with 0. */
async function endWell(place: Place, happened: readonly Happened[]): Promise<string[]> {
  const ends = await Promise.all(
    place.running.map(async (app) => ({ name: app.name, ...(await app.terminate({ withinMs: 30_000 })) })),
  );
  return [
    ...happened.flatMap(({ problems }) => problems),
    ...place.unexpectedEnds.map(({ app, ending }) => `${app.name} ended unasked: ${ending.signal ?? ending.code}`),
    ...ends
      .filter(({ code, wasOverdue }) => code !== 0 || wasOverdue)
      .map(({ name, code, signal }) => `${name} ended with ${signal ?? code} at the end of the run`),
  ];
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

function at(startedMs: number, what: string): string {
  return `${seconds(performance.now() - startedMs).padStart(8)}  ${what}`;
}
