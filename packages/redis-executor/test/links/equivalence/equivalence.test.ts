import type { LinkRecord } from "@podlink/memory-executor";
import type { Answer, LinkKey, LinkOp } from "@podlink/types";
import { linkKey } from "@podlink/types";
import * as fc from "fast-check";
import type { Redis } from "ioredis";
import { expect, test } from "vitest";
import type { StoredLink } from "../../../src/links/stored-link.ts";
import { parseStoredLink } from "../../../src/links/stored-link.ts";
import { LINK_BUCKETS, linksOnRedis, PREFIX } from "../links-on-redis.ts";
import type { ModelAnswer } from "./model.ts";
import { keyOf, LinkModel, OWNED_TTL_MS } from "./model.ts";
import { RowCounts, rowOf } from "./rows.ts";
import type { Step } from "./steps.ts";
import { opOf, steps } from "./steps.ts";

const HOUR_MS = 3_600_000;
const OP_KINDS = { created: "c", taken: "t", set: "s", replaced: "m", goodbye: "g" } as const;
/** How often each row of the table must be reached. */
const ENOUGH = 100;

test(
  "memory and Redis answer alike: every reply and the state after, whatever the operations",
  { timeout: 180_000 },
  async () => {
    let nowMs = Date.now() + HOUR_MS;
    const { links, redis, close } = await linksOnRedis({ nowMs: () => nowMs, ownedTtlMs: OWNED_TTL_MS });
    const model = new LinkModel(); // of all runs: each has uids of its own, and tokens grow over all
    const usedIds = new Set<string>();
    const counts = new RowCounts();
    let runs = 0;
    let longest = 0;

    async function run(drawn: readonly Step[]): Promise<void> {
      runs += 1;
      const last = new Map<string, LinkOp>();
      for (const { afterMs, drafts } of drawn) {
        nowMs += afterMs;
        const drawnOps = drafts.map((one) => {
          const key = { namespace: "prod", service: `s${one.service}`, uid: `u${runs}.${one.uid}` };
          return opOf(one, { key, record: model.records.get(keyOf(key)), last: last.get(keyOf(key)), nowMs });
        });
        const ops = drawnOps.filter((op, position) => !mayBeDropped(op, drawnOps.slice(0, position)));
        const before = ops.map((op) => model.records.get(keyOf(op)));
        const expected = model.applyAll(ops, nowMs);
        const answers = await links.executeAll(ops, { timeoutMs: 10_000 });
        expect(answers.map(plain), JSON.stringify({ ops, before })).toEqual(expected);
        const stored = await storedOf(redis, ops);
        for (const [position, op] of ops.entries()) compareState(op, stored[position] as Stored);
        for (const [position, op] of ops.entries()) {
          count(op, before[position], expected[position] as ModelAnswer);
          if (op.kind === "get") continue;
          last.set(keyOf(op), op);
          if (op.opId !== undefined) usedIds.add(`${keyOf(op)}/${op.opId}`);
        }
      }

      /** Whether what is expired of it may be dropped by a write before, to another service of the same uid: then its token counts no more. */
      function mayBeDropped(op: LinkOp, earlier: readonly LinkOp[]): boolean {
        const record = model.records.get(keyOf(op));
        const isExpired = record !== undefined && record.expiresAtMs <= nowMs;
        return isExpired && earlier.some(({ uid, service }) => uid === op.uid && service !== op.service);
      }

      /** The stored record is the model's; without an operation id of the test, the store's own goes into the model. */
      function compareState(op: LinkOp, stored: Stored): void {
        longest = Math.max(longest, stored.length);
        const record = model.records.get(keyOf(op));
        // What is expired may be dropped at any write to the same uid; then its token counts no more.
        if (stored.link === undefined && record !== undefined && record.expiresAtMs <= nowMs) {
          model.records.delete(keyOf(op));
          return;
        }
        if (record === undefined) return expect(stored.link).toBeUndefined();
        expect(stored.link, JSON.stringify({ op, record })).toEqual({
          incarnation: undefined,
          ...record,
          opKind: OP_KINDS[record.opKind],
          opId: undefined,
        });
        const { opId = "" } = stored;
        if (record.opId === "made") model.records.set(keyOf(op), { ...record, opId });
        else expect(opId).toBe(record.opId);
        expect(stored.endsAtMs, "the key ends with its last field").toBe(stored.lastFieldEndsAtMs);
      }
    }

    function count(op: LinkOp, record: LinkRecord | undefined, answer: ModelAnswer): void {
      const live = record !== undefined && nowMs < record.expiresAtMs ? record : undefined;
      if (record !== live) counts.count("an expired record is there");
      if ("code" in answer) return counts.count("a token floor beyond a day");
      const row = rowOf(op, live, answer.value);
      counts.count(row);
      const isKnown = op.kind !== "get" && usedIds.has(`${keyOf(op)}/${op.opId}`);
      if (isKnown && live !== undefined && row !== "repeat" && row !== "superseded") {
        counts.count("no repeat: an id that is known, of an operation that is overwritten or another one");
      }
    }

    try {
      // Not fc.assert: of a failure the seed is enough, the whole counterexample is too long to read.
      const { failed, seed, counterexamplePath, errorInstance } = await fc.check(fc.asyncProperty(steps, run), {
        numRuns: 200,
        endOnFailure: true,
      });
      if (failed) throw new Error(`seed ${seed}, path ${counterexamplePath}`, { cause: errorInstance });
    } finally {
      process.stdout.write(
        `rows of the operations table reached, in ${runs} runs:\n${counts.toString()}\nlongest record ${longest}\n`,
      );
      await close();
    }
    expect(counts.least(), "of every row").toBeGreaterThanOrEqual(ENOUGH);
    expect(longest).toBeLessThanOrEqual(64);
  },
);

function plain(answer: Answer): ModelAnswer {
  return "error" in answer ? { code: answer.error.code } : { value: answer.value };
}

interface Stored {
  readonly link: StoredLink | undefined;
  readonly opId: string | undefined;
  readonly length: number;
  readonly endsAtMs: number;
  readonly lastFieldEndsAtMs: number;
}

/** What is stored of the links of these, in one round trip. */
async function storedOf(redis: Redis, keys: readonly LinkKey[]): Promise<Stored[]> {
  const pipeline = redis.pipeline();
  for (const { namespace, uid } of keys) {
    const key = linkKey(PREFIX, namespace, uid, LINK_BUCKETS);
    pipeline.hgetall(key).pexpiretime(key);
  }
  const replies = ((await pipeline.exec()) ?? []).map(([, reply]) => reply);
  return keys.map(({ service }, position) => {
    const fields = replies[2 * position] as Record<string, string>;
    const parsed = Object.values(fields).map((value) => parseStoredLink(value));
    if (parsed.some((link) => typeof link === "string")) throw new Error(`not a record: ${JSON.stringify(fields)}`);
    const value = fields[service];
    return {
      link: value === undefined ? undefined : (parseStoredLink(value) as StoredLink),
      opId: value?.split("|")[6],
      length: value?.length ?? 0,
      endsAtMs: replies[2 * position + 1] as number,
      lastFieldEndsAtMs: Math.max(...parsed.map((link) => (link as StoredLink).expiresAtMs)),
    };
  });
}
