/** One script, whole: what it needs of lib is in its source. */
export interface Script {
  /** The name of its file, without the suffix. */
  readonly name: string;
  readonly source: string;
  /** SHA1 of the source in hex: what EVALSHA takes. */
  readonly sha: string;
}
