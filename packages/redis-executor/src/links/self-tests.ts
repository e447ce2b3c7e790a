import type { Script } from "@podlink/lua";
import { scripts } from "@podlink/lua";
import { linkKey } from "@podlink/types";
import { ownChannel } from "../pods/own-channel.ts";

/** A uid that no caller can have: the checks of uids refuse it. */
const NOBODY = "..";

/**
 * The calls that prove, before anything is written, that the scripts are whole and may use each of their commands. Each
 * answers `["ok"]` or `["refused", command, reason]` and leaves nothing behind.
 */
export function linkSelfTests(
  prefix: string,
  namespace: string,
): { readonly script: Script; readonly keys: readonly string[]; readonly args: readonly string[] }[] {
  const keys = [linkKey(prefix, namespace, NOBODY, 1)];
  const channel = ownChannel(prefix, namespace, "self-test", 0);
  return [
    { script: scripts.linkOps, keys, args: ["self-test", channel] },
    { script: scripts.createLinks, keys, args: ["self-test", channel] },
    { script: scripts.linkOpsFreeing, keys, args: ["self-test"] },
  ];
}
