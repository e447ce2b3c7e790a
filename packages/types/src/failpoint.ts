/** The points in asynchronous code, each with what it tells of its call. */
interface AsyncFailpoints {
  /** A pod is about to register. `incarnation`: the one that is expected in its row. */
  "before-register": { readonly incarnation: number | undefined };
  /** A uid that is to be claimed has its turn; whether that still needs a claim is decided after this. */
  "before-claim": { readonly uid: string };
  /** The store has answered a claim; the uid is not in the pod's table yet. */
  "after-claim": { readonly uid: string };
  /** A report is about to be sent; the moment from which its lease counts is noted. */
  "before-report": { readonly incarnation: number };
  /** The store has answered a report; it doesn't count for the lease yet. */
  "after-report": { readonly incarnation: number };
  /** Held links are about to be renewed. `links`: how many. */
  "before-renew": { readonly links: number };
  /** A link is about to be removed; the guard is closed. */
  "before-remove": { readonly uid: string };
  /** The store has answered a removal; nothing has followed from it. */
  "after-remove": { readonly uid: string };
  /** A uid that is handed off is saved; its link is not moved yet. */
  "mid-hand-off": { readonly uid: string };
  /** The store has answered the move of a link; who waits for it is not told yet. */
  "after-move": { readonly uid: string };
  /** A drain, or the hand-over of a pod that is not Ready, comes to its next uid. */
  "mid-drain": { readonly uid: string };
  /** A pod that stops is about to say goodbye; its guard is closed and Shutdown is published. */
  "before-goodbye": { readonly incarnation: number };
  /** A script is about to be sent to Redis. Not the self-tests. */
  "before-script": { readonly script: string };
  /** Redis has answered a script; nobody was told. */
  "after-script": { readonly script: string };
  /** A caller has a link from the store; it is not cached yet. */
  "before-fill": { readonly uid: string };
  /** A caller is about to move a link whose pod is gone. */
  "before-replace": { readonly uid: string; readonly reason: string };
  /** The state of a uid is about to be loaded. */
  "before-load": { readonly uid: string };
  /** The application has loaded the state of a uid; no use has it yet. */
  "after-load": { readonly uid: string };
  /** The state of a uid is about to be saved. */
  "before-save": { readonly uid: string };
  /** The application has saved the state of a uid; it doesn't count as saved yet. */
  "after-save": { readonly uid: string };
}

/** The points in code that can't wait. */
interface SyncFailpoints {
  /** A link operation is sent once more, under the same op id. Called once for each operation and each time. */
  "before-repeat": {
    readonly namespace: string;
    readonly uid: string;
    readonly kind: string;
    /** Absent in the reading of all services of a uid. */
    readonly service?: string;
    /** Absent in reads. */
    readonly opId: string | undefined;
    /** Whether the try before it may have been carried out, or may still be. */
    readonly mayHaveRun: boolean;
  };
}

/** The names of all points. */
export type FailpointName = keyof AsyncFailpoints | keyof SyncFailpoints;

/** Installed by who wants to hear of the points. Answers with a promise only when there is something to wait for. */
type Hook = (name: string, context: object) => Promise<void> | undefined;

const HOOK = Symbol.for("podlink.failpoints/1");

interface Call {
  <N extends keyof AsyncFailpoints>(name: N, context: AsyncFailpoints[N]): Promise<void> | undefined;
  <N extends keyof SyncFailpoints>(name: N, context: SyncFailpoints[N]): void;
}

/**
 * A named point in the code, where tests make a fault happen. Does nothing where none was asked for. `await` it, but at the
 * points in code that can't wait. Published packages have neither this nor its calls: each of those is a statement of one
 * line, which packing takes out.
 */
export const failpoint: Call = (name: FailpointName, context: object): Promise<void> | undefined =>
  (globalThis as { readonly [HOOK]?: Hook })[HOOK]?.(name, context);
