import type { Happened } from "./acts.ts";
import type { Finding } from "./judge.ts";
import { pathOf } from "./availability.ts";
import type { Seen } from "./run.ts";
import { seconds } from "./run.ts";
import type { Schedule } from "./schedule.ts";
import { describeFault } from "./schedule.ts";
import { failoverBoundMs, times } from "./times.ts";

/** Of each kind of history, so many of the newest entries are shown, and so many lines of what is wrong. */
const SHOWN = 20;
/** The users whose histories are shown. */
const SHOWN_USERS = 3;

/** Which times hold, and what will happen. */
export function announce(schedule: Schedule, { holdMs }: { readonly holdMs: number }): string {
  const { heartbeatIntervalMs, leaseMs, leaseMarginMs, graceMs, responseTimeoutMs } = times;
  return [
    `seed ${schedule.seed}, ${seconds(schedule.durationMs)}`,
    `heartbeat ${heartbeatIntervalMs} ms, lease ${leaseMs} ms, margin ${leaseMarginMs} ms, grace ${graceMs} ms, failover bound ${failoverBoundMs} ms, a pod's answer within ${responseTimeoutMs} ms, gateways hold for ${holdMs} ms`,
    ...schedule.faults.map((fault) => `${seconds(fault.atMs).padStart(8)}  ${describeFault(fault)}`),
    `${seconds(schedule.readingAtMs).padStart(8)}  first reading of heaps and handles`,
  ].join("\n");
}

/** What became of it, as a table. */
export function describeRun(seen: Seen, findings: readonly Finding[]): string {
  const { requests, hit, hitServed, hitUsers } = seen.availability;
  const users = seen.crowd.figures().length;
  return [
    "",
    "| fault | from | lasted | requests hit | of these served at once |",
    "|---|---|---|---|---|",
    ...seen.happened.map((happened) => faultRow(happened, seen)),
    "",
    `hit by a fault: ${percent(hit, requests)} of ${requests} requests, ${percent(hitServed, hit)} of them served at once; ${percent(hitUsers, users)} of ${users} users at some time`,
    stalled(seen),
    latencies(seen),
    "",
    "| must hold | | seen |",
    "|---|---|---|",
    ...findings.map(
      ({ name, wrong, figure }) => `| ${name} | ${wrong.length === 0 ? "holds" : "BREACHED"} | ${figure} |`,
    ),
  ].join("\n");
}

function faultRow(happened: Happened, seen: Seen): string {
  const { hit, served } = seen.availability.byFault.get(happened) ?? { hit: 0, served: 0 };
  const { fault, fromMs, toMs } = happened;
  return `| ${describeFault(fault)} | ${seconds(fromMs - seen.startedMs)} | ${seconds(toMs - fromMs)} | ${hit} | ${hit === 0 ? "" : percent(served, hit)} |`;
}

function stalled({ stalls, availability }: Seen): string {
  const longestMs = Math.max(0, ...stalls.map(({ fromMs, toMs }) => toMs - fromMs));
  return `the machine itself stood still ${stalls.length} times, for ${seconds(longestMs)} at most: ${availability.stalled} requests that it failed are left out`;
}

function latencies({ crowd }: Seen): string {
  return crowd.reports
    .map(({ figures: { acknowledgedAfter: after, lateness } }, part) => {
      const p = (value: number | undefined): string => (value === undefined ? "-" : `${value.toFixed(0)} ms`);
      return `part ${part + 1}: acknowledged after p50 ${p(after?.p50Ms)}, p99 ${p(after?.p99Ms)}; the generator late by p99 ${p(lateness?.p99Ms)}, at most ${p(lateness?.maxMs)}`;
    })
    .join("\n");
}

const percent = (part: number, whole: number): string =>
  whole === 0 ? "0 %" : `${((100 * part) / whole).toFixed(2)} %`;

/** What is wrong, with the histories of some users whom it concerns, and how to see it again. */
export function describeBreaches(seen: Seen, findings: readonly Finding[], schedule: Schedule): string {
  const breached = findings.filter(({ wrong }) => wrong.length > 0);
  const uids = new Set(breached.flatMap(({ uids: some = [] }) => some.slice(0, SHOWN_USERS)));
  return [
    ...breached.flatMap(({ name, wrong }) => [`\nBREACHED: ${name}`, ...shortened(wrong).map((line) => `  ${line}`)]),
    ...Array.from(uids, (uid) => historyOf(uid, seen)),
    `\nTo see it again: npm run chaos -- --seconds ${schedule.durationMs / 1000} --seed ${schedule.seed}`,
  ].join("\n");
}

/** All that is known of a user, in the order of time. */
function historyOf(uid: string, seen: Seen): string {
  const { links, sessions, crowd, startedMs } = seen;
  const lines: { readonly atMs: number; readonly text: string }[] = [
    ...links.of(uid).map(({ atMs, link }) => ({
      atMs,
      text:
        link === undefined
          ? "link    none"
          : `link    pod ${link.pod}.${link.incarnation} token ${link.token} ${link.kind}`,
    })),
    ...sessions
      .of(uid)
      .map(({ atMs, kind, token, holder }) => ({ atMs, text: `session ${kind} token ${token} holder ${holder}` })),
    ...crowd.requests.of(uid).map((request) => {
      const { dueMs, firstEndedMs, endedMs, outcome, troubles, firstGateway, pod, token } = request;
      const { pods, asksStore } = pathOf(request, crowd.requests, links);
      const how = `${outcome}${pod === undefined ? "" : ` by pod ${pod} token ${token}`}`;
      const took = `first attempt ${Math.round(firstEndedMs - dueMs)} ms, in all ${Math.round(endedMs - dueMs)} ms`;
      const way = `gateway-${firstGateway}, pods ${[...pods].join("/") || "-"}${asksStore ? ", asks the store" : ""}`;
      return {
        atMs: dueMs,
        text: `request ${how}, ${took}; ${way}${troubles.length === 0 ? "" : `; ${troubles.slice(0, 5).join(", ")}`}`,
      };
    }),
  ];
  const shown = lines.toSorted((a, b) => a.atMs - b.atMs).slice(-3 * SHOWN);
  return [
    `\nhistory of ${uid}:`,
    ...shown.map(({ atMs, text }) => `${seconds(atMs - startedMs).padStart(8)}  ${text}`),
  ].join("\n");
}

function shortened(lines: readonly string[]): string[] {
  if (lines.length <= SHOWN) return [...lines];
  return [...lines.slice(0, SHOWN), `... and ${lines.length - SHOWN} more`];
}

/** The same for machines. */
export function asJson(seen: Seen, findings: readonly Finding[], schedule: Schedule): object {
  const { availability, happened, startedMs, lastedMs, residents, crowd } = seen;
  const { unexplained, byFault, ...shares } = availability;
  return {
    schedule,
    times,
    startedMs,
    lastedMs,
    findings,
    availability: { ...shares, unexplained: unexplained.slice(0, 1000) },
    happened: happened.map((one) => ({
      ...one,
      fromMs: one.fromMs - startedMs,
      toMs: one.toMs - startedMs,
      ...byFault.get(one),
    })),
    residents,
    load: crowd.reports.map(({ startedAt, figures, reasons, failures, users }) => ({
      startedAt,
      figures,
      reasons,
      failures,
      users,
    })),
  };
}
