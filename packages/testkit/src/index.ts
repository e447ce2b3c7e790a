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
export type { CallHook, StoreCall, StoreMethod } from "./fakes/faults.ts";
export type { NothingLeftOpenOptions } from "./open/expect-nothing-left-open.ts";
export { expectNothingLeftOpen } from "./open/expect-nothing-left-open.ts";
export type { OpenResource } from "./open/open-resources.ts";
