/**
 * A failure is a value, never an exception. It knows five things: kind, side, phase, retry, cause.
 * What it means to a client (HTTP status) and in the log (end code) is decided in one place each:
 * `core/http/answers.ts` and `core/telemetry/`.
 */

/** Whose doing it was. A failure of side `us` is never evidence against a backend. */
export type Side = 'client' | 'backend' | 'us';

/** The seven verbs of an exchange, in order; spans, timings and `explain` use the same words. */
export type Phase = 'accept' | 'parse' | 'route' | 'pick' | 'connect' | 'relay' | 'log';

/**
 * May the exchange be tried again?
 * - `safe`: the attempt never reached the application; try the next backend, costs no budget.
 * - `if-idempotent`: request bytes were handed over; only for idempotent methods, from the budget.
 * - `never`.
 */
export type Retry = 'safe' | 'if-idempotent' | 'never';

export type FailureKind =
  // connecting
  | 'refused'
  | 'unreachable'
  | 'connect_timeout'
  | 'tls' // the handshake failed or the certificate was not accepted
  | 'unresolved' // no address is known for the name
  // a connection in use
  | 'reset'
  | 'closed' // ended where a message was not complete
  | 'timeout_head' // waiting for a head
  | 'timeout_idle' // a gap in a body
  | 'timeout_tunnel'
  | 'too_slow' // below the minimum rate
  // what came over it
  | 'malformed' // broke a rule; cause begins with the rule's id
  | 'too_large'
  | 'unsupported'
  // nobody to send it to
  | 'no_backend'
  | 'circuit_open' // too much has failed: nothing is tried for a while
  | 'overloaded' // each has as many exchanges as it may have
  | 'no_route'
  | 'rate_limited' // more requests than `rate_limits` allows
  // ourselves
  | 'no_resources' // descriptors, ports, buffers
  | 'address_in_use'
  | 'not_permitted'
  | 'stopping'
  | 'internal';

/** Immutable. `cause` is one line for people: what was seen, without a trailing full stop. */
export interface Failure {
  readonly kind: FailureKind;
  readonly side: Side;
  readonly phase: Phase;
  readonly retry: Retry;
  readonly cause: string;
}

/** A failure, in the order of its five things. */
export function failure(
  kind: FailureKind,
  side: Side,
  phase: Phase,
  retry: Retry,
  cause: string,
): Failure {
  return { kind, side, phase, retry, cause };
}

/** What a listener's `ready` is told when it was closed before it was open. */
export const CLOSED_EARLY = failure(
  'stopping',
  'us',
  'accept',
  'never',
  'the listener was closed before it was open',
);

/** For our own mistakes, not the world's: kept on in production, at the entrance of every room. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
