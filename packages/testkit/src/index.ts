/** What tests of podlink, of its stores and of its users' services are written with. */

// Names that users meet.
export type { FakeClock } from "./clock/fake-clock.ts";
export { fakeClock } from "./clock/fake-clock.ts";
export type { LogEntry, LogLevel, RecordingLogger } from "./fakes/recording-logger.ts";
export { recordingLogger } from "./fakes/recording-logger.ts";
export type { RecordedScope, RecordingObserver } from "./fakes/recording-observer.ts";
export { recordingObserver } from "./fakes/recording-observer.ts";
export type { FaultyStore } from "./fakes/faulty-store.ts";
export { faultyStore } from "./fakes/faulty-store.ts";
export type { ScheduledStore, TaskScheduler } from "./fakes/scheduled-store.ts";
export { scheduledStore } from "./fakes/scheduled-store.ts";
export type { StepProgram, StepRules } from "./fakes/step-commands.ts";
export { stepCommands } from "./fakes/step-commands.ts";
export type { PropertyRuns } from "./properties/property-runs.ts";
export { propertyRuns } from "./properties/property-runs.ts";
export type { CallHook, StoreCall, StoreMethod } from "./fakes/faults.ts";
export type { NothingLeftOpenOptions } from "./open/expect-nothing-left-open.ts";
export { expectNothingLeftOpen } from "./open/expect-nothing-left-open.ts";
export type { OpenResource } from "./open/open-resources.ts";
export type {
  ChunkSelection,
  ConnectionSelection,
  Direction,
  Fault,
  FaultKind,
  ProxiedConnection,
} from "./proxy/fault.ts";
export type { FaultProxies, ServerAddress } from "./proxy/fault-proxies.ts";
export { startFaultProxies } from "./proxy/fault-proxies.ts";
export type { FaultProxy, NowSelection } from "./proxy/fault-proxy.ts";
export { startFaultProxy } from "./proxy/fault-proxy.ts";
export type { FaultProxyOptions } from "./proxy/options.ts";
export type { ProxyCounts, ProxyEvent } from "./proxy/record.ts";
export type { FaultRule } from "./proxy/rule.ts";
export type { Target } from "./proxy/target.ts";
export type { WaitOptions } from "./proxy/waits.ts";
export type {
  ActingFailpoint,
  FailpointAction,
  FailpointContext,
  FailpointOptions,
  RunningFailpoint,
} from "./failpoints/options.ts";
export type { FailpointName, OwnFailpointName } from "./failpoints/points.ts";
export type { Failpoint } from "./failpoints/registration.ts";
export { failpoint, failpoints } from "./failpoints/failpoints.ts";
export type { ChildStart } from "./failpoints/in-child.ts";
export { failpointsInChild } from "./failpoints/in-child.ts";

// Programs under supervision. Needs /bin/sh.
export type { AppEnvironment, AppOptions, NodeScript } from "./process/app-options.ts";
export type { Ending } from "./process/ending.ts";
export type { ProgramEnd } from "./process/process-group.ts";
export { freePort } from "./process/free-port.ts";
export type { ReadyCheck, StartingLife } from "./process/ready-check.ts";
export type { Act, ActKind, Outage } from "./process/record.ts";
export type {
  AppRestartOptions,
  AppState,
  SaysOptions,
  SupervisedApp,
  TerminateOptions,
} from "./process/supervised-app.ts";
export type { SupervisorOptions, UnexpectedEnd } from "./process/supervisor.ts";
export { Supervisor } from "./process/supervisor.ts";
export type { CheckOptions, ContradictionReason, Verdict } from "./history/check-history.ts";
export { checkHistory } from "./history/check-history.ts";
export type { ModelRecord } from "./history/link-model.ts";
export type { OrderStep } from "./history/link-search.ts";
export type { LinkHistory, Outcome, RecordedOp } from "./history/recorded-op.ts";
export type { Attempt, LinkLogOptions, LogTime, OpenEntry } from "./history/link-log.ts";
export { LinkLog } from "./history/link-log.ts";
export type { RecordLinksOptions } from "./history/record-links.ts";
export { recordLinks } from "./history/record-links.ts";
export type { SteppedTime } from "./history/stepped-time.ts";
export { steppedTime } from "./history/stepped-time.ts";
export type { OpDraft, Program, ProgramOptions, Round, TokenChoice } from "./history/random-programs.ts";
export { randomProgram } from "./history/random-programs.ts";
export type { ProgramsRun, RunOptions } from "./history/run-programs.ts";
export { runPrograms } from "./history/run-programs.ts";
export { SeededRandom } from "./seeded-random.ts";
export type { Falsehood, FalsehoodKind, FalsifyOptions } from "./history/falsify.ts";
export { falsify } from "./history/falsify.ts";
export type { IsBad } from "./history/shrink-history.ts";
export { shrinkHistory } from "./history/shrink-history.ts";
export type { SavedHistory } from "./history/history-file.ts";
export { loadHistory, saveHistory } from "./history/history-file.ts";
export type { ReplayedCase } from "./history/replay-cases.ts";
export { replayCases } from "./history/replay-cases.ts";
export type { AssertOptions } from "./history/assert-linearizable.ts";
export { assertLinearizable } from "./history/assert-linearizable.ts";
export type { Accepted, AcceptedWrite, FencedWriteWatcherOptions, WatchedFence } from "./watch/fenced-writes.ts";
export { FencedWriteWatcher } from "./watch/fenced-writes.ts";
export type { DeadlineWatcherOptions, WatchedMethods } from "./watch/deadlines.ts";
export { DeadlineWatcher } from "./watch/deadlines.ts";
export type { GuardedObservation, GuardWatcherOptions, PeriodObservation, PodUid } from "./watch/guards.ts";
export { GuardWatcher } from "./watch/guards.ts";
export type { HandleWatcherOptions, NoMoreOptions } from "./watch/handles.ts";
export { HandleWatcher } from "./watch/handles.ts";
export type { HeapBound, HeapReading, HeapWatcherOptions } from "./watch/heap.ts";
export { HeapWatcher } from "./watch/heap.ts";
export type { HeldSighting } from "./watch/held-spans.ts";
export type { HeldObservation, HolderWatcherOptions, ServedObservation } from "./watch/holders.ts";
export { HolderWatcher } from "./watch/holders.ts";
export type { FiguresSource, InFlightWatcherOptions, WhenQuietOptions } from "./watch/in-flight.ts";
export { IN_FLIGHT_FIGURES, InFlightWatcher } from "./watch/in-flight.ts";
export { Lateness } from "./watch/lateness.ts";
export type { OpenCounts } from "./watch/open-counts.ts";
export { activeResources, openFilesOf, resourcesFromNow } from "./watch/open-counts.ts";
export type { Sampled, Sampling, SamplingOptions } from "./watch/sampling.ts";
export { sampling } from "./watch/sampling.ts";
export type { Sighting } from "./watch/token-order.ts";
export type { TokenObservation, TokenWatcherOptions } from "./watch/tokens.ts";
export { TokenWatcher } from "./watch/tokens.ts";
export type { Invariant, Violation, Watcher, WatcherOptions } from "./watch/violation.ts";
export { InvariantError } from "./watch/violation-log.ts";
export type { GuardingPod, WatchedPeriod, WatchedPod } from "./watch/watched-pod.ts";
export type { ObservationCounts } from "./watch/watch-invariants.ts";
export { InvariantWatch, watchInvariants } from "./watch/watch-invariants.ts";
export type { WatchInvariantsOptions } from "./watch/watch-options.ts";
