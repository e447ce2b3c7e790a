import type { Clock } from "@podlink/types";

/** The use of the processor is averaged over about this time. */
const SMOOTHING_MS = 10_000;
/** What was read so long ago still holds: to ask the system takes longer than to write a report. */
const READ_AGAIN_MS = 50;

export interface LoadScoreOptions {
  readonly cpuFactor: number;
  readonly loadCapacity: number;
}

/**
 * 0 (idle) to 100 (full). A busier pod never scores lower.
 * @param cpu share of one core that this process uses, 0 to 1.
 * @param loadState the number that the application reports.
 */
export function loadScoreOf(cpu: number, loadState: number, options: LoadScoreOptions): number {
  const load = Math.min(1, loadState / options.loadCapacity);
  const score = 100 * (options.cpuFactor * Math.min(1, cpu) + (1 - options.cpuFactor) * load);
  return Math.min(100, Math.round(score * 10) / 10);
}

/** Microseconds of processor time that this process has used. */
const cpuOfProcess = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

/** The smoothed use of one core by this process. */
export class CpuShare {
  readonly #clock: Clock;
  readonly #usedMicros: () => number;
  #atMs: number;
  #micros: number;
  #smoothed = 0;

  constructor(clock: Clock, usedMicros: () => number = cpuOfProcess) {
    this.#clock = clock;
    this.#usedMicros = usedMicros;
    this.#atMs = clock.nowMs();
    this.#micros = usedMicros();
  }

  /** 0 to 1, as of now or a moment ago. */
  read(): number {
    const nowMs = this.#clock.nowMs();
    const passedMs = nowMs - this.#atMs;
    if (passedMs < READ_AGAIN_MS) return this.#smoothed;
    const micros = this.#usedMicros();
    const share = Math.min(1, Math.max(0, (micros - this.#micros) / 1000 / passedMs));
    this.#smoothed += (share - this.#smoothed) * (1 - Math.exp(-passedMs / SMOOTHING_MS));
    this.#atMs = nowMs;
    this.#micros = micros;
    return this.#smoothed;
  }
}
