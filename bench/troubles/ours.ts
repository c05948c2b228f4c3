/** Evenkeel: each policy as it comes, and what one would configure against the trouble. */
import process from 'node:process';
import { placers, policies } from '../../src/core/balancing/balancing.ts';
import type { PolicyName } from '../../src/core/config.ts';
import { node24, runtimeAt } from '../contestants/runtimes.ts';
import { root } from '../repository.ts';
import { CHECK_MS, CONNECT_MS, type Contestant, type Setup, TIMEOUT_MS } from './contestant.ts';
import type { Sheet } from './trouble.ts';

const CHECK = `health_check: {path: /, interval: ${CHECK_MS}ms, timeout: ${CHECK_MS - 100}ms}`;
/** Besides what it does unasked, as the others: who gives no answer in time. */
const RETRIES = 'retries: {on: [timeout]}';

/** `more`: lines of YAML besides the policy. */
function ours(
  sheet: Sheet,
  id: string,
  policy: PolicyName,
  told: string,
  more: readonly string[] = [],
): Contestant {
  const runtime = node24() ?? runtimeAt(process.execPath)!;
  const yaml = ({ port, servers, trouble }: Setup): string => {
    const { checks, retries } = trouble;
    const against = [checks ? CHECK : '', retries && sheet === 'latency' ? RETRIES : '', ...more];
    return `port: ${port}
address: 127.0.0.1
policy: ${policy}
timeouts: {connect: ${CONNECT_MS}ms, response: ${TIMEOUT_MS}ms}
log: {access: false}
workers: 1
${against.join('\n')}
backends:
${servers.map((server) => `  - http://127.0.0.1:${server}`).join('\n')}
`;
  };
  return {
    id,
    name: `Evenkeel ${told}`,
    sheet,
    command: (setup) => {
      const file = setup.stage.write(`${id}-${setup.port}.yaml`, yaml(setup));
      return { argv: [runtime.path, `${root}/dist/src/cli/main.js`, 'run', file] };
    },
  };
}

/**
 * None that goes by a key, for all requests come from one client; no function, which is what
 * somebody writes.
 */
const names = (Object.keys(policies) as PolicyName[]).filter(
  (name) => placers[name] === undefined && name !== 'function',
);
const PASSIVE = 'passive_health: {}';

const overload = (id: string, told: string, ...more: string[]): Contestant =>
  ours('overload', id, 'round_robin', told, more);

export const evenkeels = (): Contestant[] => [
  ...names.map((name) => ours('latency', name, name, name)),
  ...(['round_robin', 'least_connections', 'adaptive'] as const).map((name) =>
    ours('latency', `${name}+passive`, name, `${name}, ${PASSIVE}`, [PASSIVE]),
  ),
  overload('unlimited', 'without a limit'),
  overload('refuse', 'max_requests: 4, size: 0', 'max_requests: 4', 'queue: {size: 0}'),
  overload(
    'fifo',
    'max_requests: 4, size: 100',
    'max_requests: 4',
    'queue: {size: 100, order: fifo}',
  ),
  overload(
    'newest',
    'max_requests: 4, size: 100, order: adaptive',
    'max_requests: 4',
    'queue: {size: 100, order: adaptive}',
  ),
  overload(
    'found',
    'max_requests: adaptive, size: 0',
    'max_requests: adaptive',
    'queue: {size: 0}',
  ),
  ours('storm', 'retries', 'round_robin', 'as it comes'),
  ours('storm', 'breaker', 'round_robin', 'circuit_breaker: {}', ['circuit_breaker: {}']),
];
