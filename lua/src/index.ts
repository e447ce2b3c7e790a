/** The Lua scripts of the store on Redis. Generated from lua/*.lua; nothing is read at run time. */

export type { Script } from "./script.ts";
export type { ScriptName } from "./generated.ts";
export { scripts } from "./generated.ts";
