/**
 * Names to addresses: the Resolver port on the system's own look-up (hosts file, then DNS), in the
 * order the system gives. A name that cannot be resolved is a failure of ours, not of a backend.
 */
import { type LookupAddress, lookup } from 'node:dns';
import { isIP } from 'node:net';
import { type Failure, failure } from '../../core/base/failure.ts';
import type { Resolver } from '../../core/base/transport.ts';

/** IP literals are answered without a look-up, but later all the same. */
export function createNodeResolver(): Resolver {
  return {
    resolve(name, done) {
      if (isIP(name) !== 0) {
        setImmediate(done, [name], null);
        return;
      }
      lookup(name, { all: true, verbatim: true }, (error, found) => {
        const addresses = error === null ? distinct(found) : [];
        if (addresses.length > 0) done(addresses, null);
        else done([], unresolved(name, error));
      });
    },
  };
}

/** A hosts file may name one address twice; it is tried once. */
function distinct(found: readonly LookupAddress[]): readonly string[] {
  return [...new Set(found.map((entry) => entry.address))];
}

function unresolved(name: string, error: NodeJS.ErrnoException | null): Failure {
  return failure('unresolved', 'us', 'connect', 'safe', `cannot resolve ${name}: ${reason(error)}`);
}

function reason(error: NodeJS.ErrnoException | null): string {
  switch (error?.code) {
    case undefined:
      return error === null ? 'the name has no address' : error.message;
    case 'ENOTFOUND':
    case 'ENODATA':
      return `no such name (${error?.code})`;
    case 'EAI_AGAIN':
    case 'ETIMEOUT':
      return `the name server does not answer (${error?.code})`;
    default:
      return `${error?.message} (${error?.code})`;
  }
}
