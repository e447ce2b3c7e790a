import { spawnSync } from "node:child_process";
import { cpus } from "node:os";

/** Redis has the first core to itself, Node the second: they don't push each other off. */
const [REDIS_CORE, NODE_CORE] = [0, 1];

/** Whether processes can be pinned here: Linux with `taskset`, two cores that this process may use. Pins this one. */
export const pinThisProcess = (): boolean => cpus().length > 1 && pinTo(NODE_CORE, process.pid);

export const pinToRedisCore = (pid: number | undefined): boolean => pinTo(REDIS_CORE, pid);

export const pinToNodeCore = (pid: number | undefined): boolean => pinTo(NODE_CORE, pid);

/** For the processes of a figure that is not about one of them: those that this one starts are pinned as it is. */
export const letUseAllCores = (pid: number | undefined): boolean => pinTo(`0-${cpus().length - 1}`, pid);

function pinTo(core: number | string, pid: number | undefined): boolean {
  if (pid === undefined) return false;
  const { status } = spawnSync("taskset", ["-apc", String(core), String(pid)], { stdio: "ignore" });
  return status === 0;
}
