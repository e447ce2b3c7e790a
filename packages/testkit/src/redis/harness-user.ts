import { randomBytes } from "node:crypto";

/** The user of the harness on every server that this process starts: it may do everything, whatever tests do to the others. */
export const harnessUser: { readonly name: string; readonly password: string } = {
  name: "harness",
  password: randomBytes(16).toString("hex"),
};
