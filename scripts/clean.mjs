// Removes what the compiler and turbo wrote. tsc believes its notes in .cache, so they go together with dist.
import { rmSync } from "node:fs";
import { workspace } from "./workspace.mjs";

for (const { folder } of workspace())
  for (const made of ["dist", ".cache", ".turbo"]) rmSync(`${folder}/${made}`, { recursive: true, force: true });
for (const made of [".cache", ".turbo", "coverage"]) rmSync(made, { recursive: true, force: true });
