/** Why a port could not be opened, and what to do about it. */
import type { Failure } from '../core/base/failure.ts';
import type { ListenerConfig } from '../core/config.ts';

export interface ListenFailure {
  readonly listener: Pick<ListenerConfig, 'host' | 'port'>;
  readonly failure: Pick<Failure, 'kind' | 'cause'>;
}

/** `port 8080`, `127.0.0.1 port 8080`. */
const placeOf = ({ host, port }: ListenFailure['listener']): string =>
  host === null ? `port ${port}` : `${host} port ${port}`;

/**
 * One failure as text for standard error, with a newline at the end. `owner`: who has the port, as
 * `nginx (pid 7)`, or null. `change`: where another port is to be written.
 */
export function explainListenFailure(
  { listener, failure }: ListenFailure,
  owner: string | null,
  change: string,
): string {
  const place = placeOf(listener);
  if (failure.kind === 'address_in_use') {
    const by = owner === null ? 'another program' : owner;
    const stop = /pid (\d+)/.exec(by);
    const remedy = stop === null ? 'stop it' : `stop it (kill ${stop[1]})`;
    return `evenkeel: cannot listen on ${place}: ${by} is using it; ${remedy}, or ${change}\n`;
  }
  if (failure.kind === 'not_permitted' && listener.port < 1024) {
    return [
      `evenkeel: cannot listen on ${place}: not permitted; one of these helps:`,
      `  - ${change}, from 1024 on`,
      '  - systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit',
      '  - Docker: publish the port instead, as in -p 80:8080',
      `  - sudo sysctl net.ipv4.ip_unprivileged_port_start=${listener.port}`,
      '',
    ].join('\n');
  }
  const isElsewhere = listener.host !== null && failure.cause.includes('not an address of this');
  const remedy = isElsewhere ? '; write one that it has, or leave "address" out' : '';
  return `evenkeel: cannot listen on ${place}: ${failure.cause}${remedy}\n`;
}
