/**
 * How an exchange ended, as one short stable word for the access log. One total function: every
 * side and kind of failure has a code, and `docs/log.md` explains each of them.
 */
import type { Failure, FailureKind, Side } from '../base/failure.ts';

/** Indexed by side, in this order. */
type Codes = readonly [client: string, backend: string, us: string];

/** What only one side can cause; on another side it is a mistake of ours. */
const ours = (code: string): Codes => ['internal', 'internal', code];
const backends = (code: string, our = 'internal'): Codes => ['internal', code, our];
const everyones = (code: string): Codes => [code, code, code];
const eitherPeers = (kind: FailureKind): Codes => [`client_${kind}`, `backend_${kind}`, 'internal'];

const CODES: Readonly<Record<FailureKind, Codes>> = {
  refused: backends('backend_refused'),
  unreachable: backends('backend_unreachable', 'network_unreachable'),
  connect_timeout: backends('backend_connect_timeout'),
  tls: eitherPeers('tls'),
  unresolved: everyones('backend_unresolved'),
  reset: eitherPeers('reset'),
  closed: eitherPeers('closed'),
  timeout_head: eitherPeers('timeout_head'),
  timeout_idle: eitherPeers('timeout_idle'),
  timeout_tunnel: everyones('tunnel_idle'),
  too_slow: eitherPeers('too_slow'),
  malformed: eitherPeers('malformed'),
  too_large: eitherPeers('too_large'),
  unsupported: eitherPeers('unsupported'),
  no_backend: everyones('no_backend'),
  circuit_open: everyones('circuit_open'),
  overloaded: everyones('overloaded'),
  no_route: everyones('no_route'),
  rate_limited: everyones('rate_limited'),
  no_resources: everyones('no_resources'),
  address_in_use: ours('address_in_use'),
  not_permitted: everyones('not_permitted'),
  stopping: everyones('stopping'),
  internal: everyones('internal'),
};

const SIDE_INDEX: Readonly<Record<Side, 0 | 1 | 2>> = { client: 0, backend: 1, us: 2 };

/** The code of an exchange that ended as it should. */
const END_OK = 'ok';

/** The end code of a failure; null, no failure, is `ok`. Allocates nothing. */
export function endCode(failure: Pick<Failure, 'side' | 'kind'> | null): string {
  return failure === null ? END_OK : CODES[failure.kind][SIDE_INDEX[failure.side]];
}

/** Every code there is, each once, in the order of the kinds; for the docs and their test. */
export function allEndCodes(): readonly string[] {
  return [...new Set([END_OK, ...Object.values(CODES).flat()])];
}
