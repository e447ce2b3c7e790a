import { scripts } from "@podlink/lua";
import type {
  CallOptions,
  Heartbeat,
  HeartbeatResult,
  Leave,
  LostLink,
  PodRegistry,
  RegisterResult,
  Registration,
  Subscription,
  Successor,
} from "@podlink/types";
import {
  checkHeartbeat,
  checkLeave,
  checkNamespace,
  checkPodIndex,
  checkRegistration,
  checkService,
  encodeKeyPart,
  Listeners,
} from "@podlink/types";
import type { Script } from "../connection/ports.ts";
import { decodeLostLink } from "../links/lost-link.ts";
import { inTime } from "./answered.ts";
import { ownChannel } from "./own-channel.ts";
import type { PodParts } from "./parts.ts";
import { heartbeatResultOf, leaveResultOf, registerResultOf } from "./registry-replies.ts";
import { encodeReport } from "./report-text.ts";
import type { ServiceName } from "./service-keys.ts";
import { podChannel, podKeys } from "./service-keys.ts";
import { decodeSuccessor } from "./successor.ts";

type PodName = Pick<Leave, "namespace" | "service" | "podIndex">;

interface ServiceKeys extends ServiceName {
  readonly keys: readonly string[];
  readonly channel: string;
}

/** What the scripts take for "no row expected" and "no floor": incarnations begin with 1. */
const NONE = 0;

/** A pod's own side of the store: each call is one script, and never repeated here. */
export class RedisRegistry implements PodRegistry {
  readonly #parts: PodParts;
  /** The keys of the service that was named last: a pod reports to one again and again. */
  #keys: ServiceKeys | undefined;

  constructor(parts: PodParts) {
    this.#parts = parts;
  }

  async register(registration: Registration, call?: CallOptions): Promise<RegisterResult> {
    const {
      podIndex,
      life,
      expected = NONE,
      floor = NONE,
      takeOver,
      generation,
      report,
    } = checkRegistration(registration);
    const args = [podIndex, encodeKeyPart(life), expected, floor, takeOver, generation, encodeReport(report)];
    return this.#run({ script: scripts.register, name: registration, args, call }, registerResultOf);
  }

  async report(heartbeat: Heartbeat, call?: CallOptions): Promise<HeartbeatResult> {
    const { podIndex, life, incarnation, reportNumber, report } = checkHeartbeat(heartbeat);
    const said = encodeReport(report);
    const args = [podIndex, encodeKeyPart(life), incarnation, reportNumber, said, this.#parts.overloadScore];
    return this.#run({ script: scripts.report, name: heartbeat, args, call }, heartbeatResultOf);
  }

  async leave(leave: Leave, call?: CallOptions): Promise<{ readonly left: boolean }> {
    const { podIndex, incarnation } = checkLeave(leave);
    return this.#run({ script: scripts.leave, name: leave, args: [podIndex, incarnation], call }, leaveResultOf);
  }

  watchLostLinks(
    namespace: string,
    service: string,
    podIndex: number,
    listener: (lost: LostLink) => void,
  ): Subscription {
    return this.#watchOwn(
      { namespace, service, podIndex },
      (message) => decodeLostLink(message, { namespace, service }),
      listener,
    );
  }

  watchSuccessors(
    namespace: string,
    service: string,
    podIndex: number,
    listener: (successor: Successor) => void,
  ): Subscription {
    return this.#watchOwn({ namespace, service, podIndex }, decodeSuccessor, listener);
  }

  /** Listens to what a pod is told alone. @param decode undefined: the message tells of something else. */
  #watchOwn<E>(
    { namespace, service, podIndex }: PodName,
    decode: (message: string) => E | undefined,
    listener: (event: E) => void,
  ): Subscription {
    const { connection, logger, prefix } = this.#parts;
    const channel = ownChannel(prefix, checkNamespace(namespace), checkService(service), checkPodIndex(podIndex));
    const listeners = new Listeners<E>(logger); // what a listener throws is logged
    listeners.add(listener);
    const hear = (message: string): void => {
      const event = decode(message);
      if (event !== undefined) listeners.emit(event);
    };
    return connection.subscribe(channel, hear, ignoreGap);
  }

  #run<R>(
    {
      script,
      name,
      args,
      call,
    }: {
      readonly script: Script;
      readonly name: Leave | Registration | Heartbeat;
      readonly args: readonly (string | number)[];
      readonly call: CallOptions | undefined;
    },
    resultOf: (reply: unknown) => R,
  ): Promise<R> {
    const { connection, nowMs } = this.#parts;
    const what = `${script.name} of pod ${name.podIndex} of ${name.namespace}/${name.service}`;
    return inTime({ what, outcome: "unknown", call }, this.#parts, async () => {
      const { keys, channel } = this.#keysOf(name);
      const all = [nowMs?.() ?? "", channel, ...args];
      return resultOf(await connection.run(script, keys, all, { ...call, messageFirst: true }));
    });
  }

  #keysOf({ namespace, service }: ServiceName): ServiceKeys {
    const last = this.#keys;
    if (last?.namespace === namespace && last.service === service) return last;
    const { prefix } = this.#parts;
    const name = { namespace, service };
    this.#keys = { ...name, keys: podKeys(prefix, name), channel: podChannel(prefix, name) };
    return this.#keys;
  }
}

/** Verification and the next report find what a gap has lost. */
function ignoreGap(): void {}
