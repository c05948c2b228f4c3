/**
 * What a set of runs has reached: each way an exchange can end, each event of the log, and each
 * fault in each phase of the exchange it hits. All of it is seen from outside; the balancer knows
 * nothing of it.
 */
import { allEndCodes } from '../src/core/telemetry/end-code.ts';
import { CALAMITIES, MISDEEDS, NAME_CHANGES, OPERATIONS } from './options.ts';

/** By name: `end ok`, `event backend_up`, `relay reset`. */
export type Marks = ReadonlyMap<string, number>;

/** What pretended worlds do not have, and why. */
const ABSENT: ReadonlyMap<string, string> = new Map([
  ['end internal', 'a mistake of ours'],
  ['end network_unreachable', 'the network has a way everywhere'],
  ['end client_tls', 'no connection speaks TLS'],
  ['end backend_tls', 'no connection speaks TLS'],
  ['end backend_too_slow', 'reserved'],
  ['end client_too_large', 'requests are within the limits'],
  ['end backend_too_large', 'heads of answers are within the limits'],
  ['end client_unsupported', 'nobody asks for what is not there'],
  ['end backend_unsupported', 'nobody answers with what is not there'],
  ['end no_route', 'the only route takes everything'],
  ['end address_in_use', 'nobody takes the addresses'],
  ['end not_permitted', 'everything is permitted'],
  ['event backend_held_back', 'max_requests is no adaptive one'],
  ['event backend_keeps_up', 'max_requests is no adaptive one'],
  ['event rate_limit_full', 'there are fewer clients than keys'],
  ['event worker_cannot_listen', 'nobody takes the addresses'],
]);

/** What may be reached, but needs more luck than a thousand seeds have for certain. */
const RARE: ReadonlyMap<string, string> = new Map([
  ['end backend_unreachable', 'a probe must fail while an exchange is connecting'],
  ['end backend_unresolved', 'a name must be new, and its first look-up under way'],
  ['end tunnel_idle', 'a tunnel must fall silent for long'],
  ['event probes_timed_out_together', 'most of four or more must fall silent at once'],
  ['event probe_void', 'the trouble must be ours'],
  ['event buffers_full', 'memory must be small and bodies large'],
  ['event buffers_free', 'memory must be small and bodies large'],
]);

/** Events of docs/log.md that come from the balancer itself, and not from its process. */
const EVENTS =
  'backend_up backend_suspect backend_down backend_ejected backend_trial ' +
  'backend_not_ejected backend_held_back backend_keeps_up backend_draining ' +
  'backend_drained backend_drain_cut backend_removed backend_distrusted ' +
  'backend_slow_start policy_failed circuit_opened circuit_trial circuit_closed ' +
  'pool_spills_over pool_uses_backups pool_returns probes_timed_out_together probe_void ' +
  'name_resolved name_unresolved name_lookup_failed reload_applied ' +
  'connections_turned_away clients_turned_away rate_limit_full buffers_full ' +
  'buffers_free stop_began stop_cut worker_silent worker_died worker_cannot_listen';

/** Where an exchange may be when something happens; parse, route and log take no time. */
const NETWORK_FAULTS = ['break', 'clog'];
/** They do not hit whoever is under way anywhere. */
const OWN_PHASES: readonly string[] = ['black-hole-client', 'backlog', 'backlog-ours'];
const CLIENT_FAULTS = ['abort', 'client-deaf', 'black-hole-client', 'impatience'];

const pairs = (phases: readonly string[], faults: readonly string[]): string[] =>
  phases.flatMap((phase) => faults.map((fault) => `${phase} ${fault}`));

/** Everything there is to be reached. */
export const MARKS: readonly string[] = [
  ...allEndCodes().map((code) => `end ${code}`),
  ...EVENTS.split(' ').map((event) => `event ${event}`),
  // A backend misbehaves when it has a request, or is found out while another is connecting.
  ...pairs(['relay'], MISDEEDS),
  ...pairs(
    ['connect', 'relay'],
    CALAMITIES.filter((each) => !OWN_PHASES.includes(each)),
  ),
  ...pairs(['accept', 'connect', 'relay'], CLIENT_FAULTS),
  ...pairs(['accept'], ['vanish', 'truncate']),
  ...pairs(['accept', 'connect', 'relay'], NETWORK_FAULTS),
  ...pairs(['relay'], ['lost-fin']),
  ...pairs(['accept', 'connect'], ['backlog']),
  ...pairs(['connect', 'relay'], [...OPERATIONS, ...NAME_CHANGES, 'clock-jump']),
  ...pairs(['accept', 'relay'], ['worker-die', 'worker-hang']),
];

/** What was not reached although it should be, given enough seeds. */
export const missing = (marks: Marks): string[] =>
  MARKS.filter((mark) => !marks.has(mark) && !ABSENT.has(mark) && !RARE.has(mark));

/** What was reached although this page says that it cannot be. */
export const surprises = (marks: Marks): string[] =>
  [...ABSENT.keys()].filter((mark) => marks.has(mark));

/** For people: each mark and how often it was reached, or why not. */
export function coverageLines(marks: Marks): string[] {
  const width = Math.max(...MARKS.map(({ length }) => length));
  const others = [...marks.keys()].filter((mark) => !MARKS.includes(mark)).sort();
  return [...MARKS, ...others].map((mark) => {
    const count = marks.get(mark);
    const why = ABSENT.get(mark) ?? RARE.get(mark);
    const said = count ?? (why === undefined ? 'NEVER' : `never: ${why}`);
    return `${mark.padEnd(width)}  ${said}`;
  });
}
