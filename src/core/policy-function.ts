/**
 * Policies of the user's own: what a function in `evenkeel.config.ts` sees of backends and request,
 * and what it may answer. Views are reused: they are true during the call, and no longer.
 */

/** A backend that the function may choose. */
export interface PolicyCandidate {
  /** Unique in its pool. */
  readonly name: string;
  /** As it is written in the configuration. */
  readonly url: string;
  /**
   * What it counts for next to the other candidates: whole, 1 or more. Its weight as configured,
   * but where `priority` or `slow_start` make that another number.
   */
  readonly weight: number;
  /** Exchanges in flight there, over all workers, without this one. Tunnels are not among them. */
  readonly inFlight: number;
  /**
   * How long it will take to a response's head, going by what was seen lately; milliseconds; null:
   * nothing was. It rises with a slow answer at once and comes down slowly, a failure counts as
   * five seconds, and in some tens of seconds without a request it fades to nearly 0, and in some
   * minutes to null.
   */
  readonly latencyMs: number | null;
}

/** The request that a backend is chosen for. Each text is made when it is asked for. */
export interface PolicyRequest {
  /** As received: `GET`. */
  readonly method: string;
  /** As received, without the query: `/orders/7`. */
  readonly path: string;
  /** What follows the question mark; empty: nothing. */
  readonly query: string;
  /** In small letters and without a port; empty: an HTTP/1.0 request may come without. */
  readonly host: string;
  /** The client's, after `trusted_proxies`. */
  readonly clientAddress: string;
  /** 1, and one more each time another backend is tried. */
  readonly attempt: number;
  /** The value of this field, in whatever case; several are joined by `, `; null: none is there. */
  readonly header: (name: string) => string | null;
  /** 0 to 2^31 - 1, the same for the same text in every worker and process. */
  readonly hash: (text: string) => number;
}

/**
 * Chooses one of `candidates` for a request, or nobody: then it is whose turn it is in round robin.
 * Candidates are those that may be chosen now and were not tried for this request, in configured
 * order, at least one. It is called for each attempt, must answer at once and should take
 * microseconds: a worker does nothing else meanwhile. What it throws, and an answer that is no
 * candidate, is counted and logged, and round robin chooses instead.
 */
export type PolicyFunction = (
  candidates: readonly PolicyCandidate[],
  request: PolicyRequest,
) => PolicyCandidate | null | undefined;

/** What a policy is called in logs: its word, or `function pickNearest`. */
export function policyLabel(policy: string, choose: PolicyFunction | null): string {
  // One that stands in the place of the key has its name.
  if (choose === null || choose.name === '' || choose.name === 'policy') return policy;
  return `${policy} ${choose.name}`;
}
