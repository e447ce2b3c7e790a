import type { EpochChange, RegistrationLoss, Superseded } from "@podlink/types";
import { Listeners } from "@podlink/types";
import type { GuardAnswer } from "./answers.ts";
import { Authority } from "./authority.ts";
import { Claims } from "./claims.ts";
import type { PodContext } from "./context.ts";
import { Drain } from "./drain.ts";
import { Entries } from "./entries.ts";
import type { PeriodEvent } from "./events.ts";
import { Guard } from "./guard.ts";
import { HandOffs } from "./hand-off.ts";
import { NotReadyHandOver } from "./hand-over.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Lease } from "./lease.ts";
import { LinkCommands } from "./link-commands.ts";
import { LinkMethods } from "./link-methods.ts";
import { LinkMutations } from "./link-mutations.ts";
import { OwnState } from "./own-state.ts";
import { OwnershipTable } from "./ownership-table.ts";
import type { Peers } from "./peers.ts";
import { OtherPods } from "./peers.ts";
import { Redirect } from "./redirect.ts";
import { Registration } from "./registration.ts";
import { Sweep } from "./sweep.ts";
import { Verification } from "./verification.ts";
import { WorkloadWriter } from "./workload.ts";

/** What the parts tell, and ask, the one who steers them. */
export interface Reactions {
  onLost(reason: RegistrationLoss): void;
  onEpochChanged(because: EpochChange): void;
  /** The lease is over, and what is held is served on. */
  onServing(): void;
  onAccepted(writesWorkload: boolean): void;
  onSuperseded(): void;
  onClaimSuperseded(answer: Superseded): void;
  /** What is done about a uid that this pod doesn't hold. Never rejects. */
  onUnknown(uid: string): Promise<GuardAnswer>;
  /** Whether the store still knows this registration, by a report made now. */
  confirm(): Promise<boolean>;
}

/** Everything a pod is made of. */
export interface PodParts {
  readonly context: PodContext;
  readonly others: OtherPods;
  readonly own: OwnState;
  readonly registration: Registration;
  readonly lease: Lease;
  readonly heartbeat: Heartbeat;
  readonly authority: Authority;
  readonly table: OwnershipTable;
  readonly mutations: LinkMutations;
  readonly claims: Claims;
  readonly sweep: Sweep;
  readonly links: LinkMethods;
  readonly guard: Guard;
  readonly handOffs: HandOffs;
  readonly redirect: Redirect;
  readonly notReady: NotReadyHandOver;
  readonly drain: Drain;
  readonly verification: Verification;
  readonly workload: WorkloadWriter;
  readonly periodListeners: Listeners<PeriodEvent>;
}

/** Makes the parts and shows each of them those it works with. Starts nothing. */
export function makeParts(context: PodContext, peers: Peers, reactions: Reactions): PodParts {
  const { clock, logger, settings } = context;
  const own = new OwnState(context);
  const registration = new Registration(context);
  const lease = new Lease(clock, settings, {
    onFenced: () => heartbeat.lose("fenced"),
    onServing: () => reactions.onServing(),
  });
  const periodListeners = new Listeners<PeriodEvent>(logger);
  const table = new OwnershipTable(clock, periodListeners);
  const heartbeat = new Heartbeat(context, registration, lease, {
    report: () => {
      // Whether it has to wait for another process' lease is known when it has registered.
      const mayClaim = registration.identity !== undefined && registration.claimAfterMs === 0;
      return own.report(mayClaim, table.size + table.unverifiedCount);
    },
    onLost: (reason) => reactions.onLost(reason),
    onEpochChanged: (because) => reactions.onEpochChanged(because),
    onAccepted: (writesWorkload) => reactions.onAccepted(writesWorkload),
    onSuperseded: () => reactions.onSuperseded(),
  });
  const authority = new Authority(context, registration, lease, heartbeat);
  const others = new OtherPods(context, peers);
  const shared = {
    context,
    table,
    authority,
    registration,
    lease,
    others,
    entries: new Entries(),
    mutations: new LinkMutations(),
    commands: new LinkCommands(context, table),
    onSuperseded: (answer: Superseded) => reactions.onClaimSuperseded(answer),
  };
  const claims = new Claims(shared);
  const handOffs = new HandOffs(shared);
  const handOver = { context, table, handOffs };
  return {
    context,
    others,
    own,
    registration,
    lease,
    heartbeat,
    authority,
    table,
    mutations: shared.mutations,
    claims,
    handOffs,
    periodListeners,
    sweep: new Sweep(context, table, claims),
    links: new LinkMethods(shared),
    guard: new Guard({
      ...shared,
      claims,
      onUnknown: (uid) => reactions.onUnknown(uid),
      movedTo: (uid) => handOffs.movedTo(uid),
    }),
    redirect: new Redirect({ ...shared, claims, handOffs }),
    notReady: new NotReadyHandOver({ ...handOver, others }),
    drain: new Drain(handOver),
    verification: new Verification({
      ...shared,
      confirm: () => reactions.confirm(),
      counts: () => authority.refusesClaims() === undefined,
    }),
    workload: new WorkloadWriter(context, others),
  };
}
