/** A small change of one source, made in memory as a process loads it. */
interface Patch {
  /** From the root of the repository. */
  readonly file: string;
  /** The text that is replaced. It is there once. */
  readonly find: string;
  readonly replace: string;
}

/** A fault that is planted into the pods and gateways of a run, to show that a check accuses. */
export interface PlantedFault {
  /** What is wrong, for people. */
  readonly fault: string;
  /** The check that must be breached, by the beginning of its name. */
  readonly accusedBy: string;
  readonly patches: readonly Patch[];
}

/** Keeps 1 KiB for ever. */
const LEAK = "((globalThis as { kept?: unknown[] }).kept ??= []).push(new Array(128).fill(0));";

export const plantedFaults: ReadonlyMap<string, PlantedFault> = new Map<string, PlantedFault>([
  [
    "unstored",
    {
      fault: "one write in 200 is acknowledged and not stored",
      accusedBy: "acks <= count",
      patches: [
        {
          file: "apps/stateful-server/src/redis-session-store.ts",
          find: "const args = [token, holder, this.#ttl, ...argumentsOf(written)];",
          replace:
            'if (Math.random() < 1 / 200) return "written";\n    const args = [token, holder, this.#ttl, ...argumentsOf(written)];',
        },
      ],
    },
  ],
  [
    "keys-ignored",
    {
      fault: "a request is carried out again though its Idempotency-Key was used",
      accusedBy: "acks <= count",
      patches: [
        {
          file: "apps/stateful-server/src/room.ts",
          find: "kept.keys.find((one) => one.key === key)",
          replace: "kept.keys.find(() => false)",
        },
      ],
    },
  ],
  [
    "never-fenced",
    {
      fault: "a pod's lease is never over, and the session store takes whoever comes",
      accusedBy: "no write taken out of",
      patches: [
        {
          file: "packages/server-driver/src/lease.ts",
          find: 'if (!isAhead && nowMs < this.#heldUntilMs) return "held";',
          replace: 'return "held";',
        },
        {
          file: "apps/stateful-server/src/redis-session/load-and-raise.ts",
          find: "if seen[1] and not isSame and tonumber(seen[1]) >= tonumber(ARGV[1]) then",
          replace: "if false then",
        },
        {
          file: "apps/stateful-server/src/redis-session/write.ts",
          find: "if seen[1] ~= ARGV[1] or seen[2] ~= ARGV[2] then",
          replace: "if false then",
        },
      ],
    },
  ],
  [
    "held-for-ever",
    {
      fault: "a gateway never tries again what it holds",
      accusedBy: "every attempt is answered",
      patches: [{ file: "packages/http/src/hold.ts", find: "      again();\n", replace: "      void again;\n" }],
    },
  ],
  [
    "leak",
    {
      fault: "pods and gateways keep 1 KiB of each request",
      accusedBy: "heap of who lived on",
      patches: [
        {
          file: "packages/http/src/exchange.ts",
          find: "this.#context.running.add(this);",
          replace: `this.#context.running.add(this);\n    ${LEAK}`,
        },
        {
          file: "apps/stateful-server/src/room.ts",
          find: "const write = writeOf(kept, request);",
          replace: `const write = writeOf(kept, request);\n      ${LEAK}`,
        },
      ],
    },
  ],
]);
