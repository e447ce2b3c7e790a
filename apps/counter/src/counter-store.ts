import { Redis } from "ioredis";
import type { Fence } from "podlink";
import { FenceRefused } from "podlink";

/** What a user has: a number, and the Idempotency-Keys of the last increments. */
export interface Counter {
  readonly count: number;
  readonly keys: readonly string[];
}

/** Loads a counter and raises its fence in one step: from now on only writes of this token and holder count. */
const LOAD = `
local token, holder = unpack(redis.call('HMGET', KEYS[1], 'token', 'holder'))
if token and not (token == ARGV[1] and holder == ARGV[2]) and tonumber(token) >= tonumber(ARGV[1]) then
  return { 'refused', token }
end
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'holder', ARGV[2])
return { 'loaded', redis.call('HGET', KEYS[1], 'counter') or '{"count":0,"keys":[]}' }`;

/** Writes it, if whoever loaded it last is the one who writes. */
const WRITE = `
local token, holder = unpack(redis.call('HMGET', KEYS[1], 'token', 'holder'))
if token ~= ARGV[1] or holder ~= ARGV[2] then return { 'refused', token or ARGV[1] } end
redis.call('HSET', KEYS[1], 'counter', ARGV[3])
return { 'written' }`;

/** The service's own database: here a Redis, apart from the one that podlink uses. */
export class CounterStore {
  readonly #redis: Redis;

  constructor(url: string) {
    this.#redis = new Redis(url, { autoResendUnfulfilledCommands: false, commandTimeout: 1000 });
    this.#redis.on("error", () => undefined); // each call says it by itself
  }

  /** @throws FenceRefused when a later owner was there already. */
  async load(uid: string, fence: Fence): Promise<Counter> {
    return JSON.parse(await this.#run(LOAD, uid, fence)) as Counter;
  }

  /** @throws FenceRefused when this pod is not the owner any more; nothing was written then. */
  async write(uid: string, fence: Fence, counter: Counter): Promise<void> {
    await this.#run(WRITE, uid, fence, JSON.stringify(counter));
  }

  close(): void {
    this.#redis.disconnect();
  }

  async #run(script: string, uid: string, { token, holder }: Fence, ...more: string[]): Promise<string> {
    const [code, value = ""] = (await this.#redis.eval(
      script,
      1,
      `counter:${uid}`,
      token,
      holder,
      ...more,
    )) as string[];
    if (code === "refused") throw new FenceRefused(value);
    return value;
  }
}
