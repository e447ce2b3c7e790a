/** The fault catalogue, and what its rows are tested with. */
export type { CataloguedFault } from "./catalogue.ts";
export { catalogue } from "./catalogue.ts";
export type { RowReport } from "./fault-row.ts";
export { FaultRow, faultRow } from "./fault-row.ts";
export type { Injection, InjectionSource } from "./injections.ts";
