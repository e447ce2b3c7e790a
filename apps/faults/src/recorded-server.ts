import type { RedisServer } from "@podlink/testkit/redis";
import type { Injections } from "./injections.ts";

/** What ends what another act began: stop by cont, a kill by the restart. */
const ENDED_BY: Readonly<Record<string, string>> = { cont: "stop", restart: "kill9" };
/** What only looks at the server injects nothing. */
const LOOKS: ReadonlySet<string> = new Set(["INFO", "PING", "GET", "HGETALL", "KEYS", "TIME", "DBSIZE", "CLIENT LIST"]);
const ACTS: ReadonlySet<string> = new Set(["kill9", "stop", "cont", "restart", "cli", "config", "acl"]);

/** The same server; what is done to it is on record as injected. */
export function recordedServer(server: RedisServer, injections: Injections): RedisServer {
  const open = new Map<string, () => void>();
  return new Proxy(server, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      const call = (...words: unknown[]): unknown => Reflect.apply(member, target, words);
      if (typeof name !== "string" || !ACTS.has(name)) return call;
      return (...words: unknown[]): unknown => {
        const texts = words.filter((word) => typeof word === "string" || typeof word === "number").map(String);
        if (name === "cli" && isLook(texts)) return call(...words);
        const ends = ENDED_BY[name];
        const end = ends === undefined ? undefined : open.get(ends);
        if (end === undefined) {
          open.set(name, injections.begin("server", [name === "cli" ? "" : name, ...texts].join(" ").trim()));
        }
        const over = (): void => {
          end?.();
          if (ends !== undefined) open.delete(ends);
          // A command is over when it is answered; a kill or a stop lasts.
          if (name !== "kill9" && name !== "stop") open.get(name)?.();
        };
        const result = call(...words);
        if (result instanceof Promise) result.then(over, over);
        else over();
        return result;
      };
    },
  });
}

function isLook(words: readonly string[]): boolean {
  const [first = "", second = ""] = words.map((word) => word.toUpperCase());
  return LOOKS.has(first) || LOOKS.has(`${first} ${second}`);
}
