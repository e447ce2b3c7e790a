/**
 * Which life of which server answers for each part of the keys. A server that restarted has another `run_id`, so has a
 * replica that was promoted: either may lack what the one before it had acknowledged.
 */
export class ServerLives {
  readonly #runIds = new Map<string, string>();
  /** The run id that answered for each part when it was last known. */
  readonly #answered: (string | undefined)[] = [];

  hear(server: string, runId: string | undefined): void {
    if (runId === undefined) this.#runIds.delete(server);
    else this.#runIds.set(server, runId);
  }

  /**
   * Whether another life answers for some part than before. A server whose run id is not known is no news: it is judged
   * when it is.
   * @param owners the server of each part
   */
  haveChanged(owners: readonly string[]): boolean {
    let changed = false;
    owners.forEach((server, part) => {
      const runId = this.#runIds.get(server);
      if (runId === undefined) return;
      const before = this.#answered[part];
      changed ||= before !== undefined && before !== runId;
      this.#answered[part] = runId;
    });
    return changed;
  }
}
