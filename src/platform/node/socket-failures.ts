/** What the system's error codes mean: one `Failure` for each way in which a socket fails. */
import { isIPv6 } from 'node:net';
import { type Failure, failure, type Side } from '../../core/base/failure.ts';
import type { ListenAddress, Peer, Target } from '../../core/base/transport.ts';

type SystemError = NodeJS.ErrnoException;

/** Why a connection was never opened. `error` null: it ended without one. Always safe to retry. */
export function connectFailure(error: SystemError | null, to: Target): Failure {
  const where = authority(to.address, to.port);
  const code = error?.code ?? '';
  const ours = resourceCause(code, where);
  if (ours !== null) return failure('no_resources', 'us', 'connect', 'safe', ours);
  if (code === 'ECONNREFUSED') {
    return failure('refused', 'backend', 'connect', 'safe', `${where} refused the connection`);
  }
  const why = UNREACHABLE.get(code);
  if (why !== undefined) {
    return failure('unreachable', 'backend', 'connect', 'safe', `${where}: ${why} (${code})`);
  }
  if (to.tls !== null) {
    const cause = `TLS with ${where}: ${tlsCause(error, to.tls.serverName)}`;
    return failure('tls', 'backend', 'connect', 'safe', cause);
  }
  if (code === 'ECONNRESET' || code === 'EPIPE' || error === null) {
    return failure('reset', 'backend', 'connect', 'safe', `${where} reset the new connection`);
  }
  return failure('unreachable', 'backend', 'connect', 'safe', `${where}: ${oneLine(error)}`);
}

/** Why an open connection broke. */
export function brokenFailure(error: SystemError, side: Side, where: string): Failure {
  const code = error.code ?? '';
  const ours = resourceCause(code, where);
  if (ours !== null) return failure('no_resources', 'us', 'relay', 'if-idempotent', ours);
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    const cause = `${where} reset the connection (${code})`;
    return failure('reset', side, 'relay', 'if-idempotent', cause);
  }
  const why = UNREACHABLE.get(code);
  if (why !== undefined) {
    return failure('unreachable', side, 'relay', 'if-idempotent', `${where}: ${why} (${code})`);
  }
  const kind = code.startsWith('ERR_SSL_') ? 'tls' : 'reset';
  return failure(kind, side, 'relay', 'if-idempotent', `${where}: ${oneLine(error)}`);
}

/**
 * Why a connection is gone; null: it ended in order. `target` null: it was accepted, from `peer`.
 */
export function goneFailure(
  error: SystemError | null,
  target: Target | null,
  opened: boolean,
  peer: Peer | null,
): Failure | null {
  if (target !== null && !opened) return connectFailure(error, target);
  if (error === null) return null;
  const far = target ?? peer;
  const where = far === null ? '' : authority(far.address, far.port);
  return brokenFailure(error, target === null ? 'client' : 'backend', where);
}

/** Why a listener could not be opened. */
export function listenFailure(error: SystemError, at: ListenAddress): Failure {
  const where = authority(at.host ?? '*', at.port);
  switch (error.code) {
    case 'EADDRINUSE':
      return ofListener('address_in_use', `${where} is in use by another process`);
    case 'EACCES':
    case 'EPERM':
      return ofListener('not_permitted', `not permitted to listen on ${where} (${error.code})`);
    case 'EADDRNOTAVAIL':
      return ofListener('no_resources', `${where} is not an address of this machine`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return ofListener('unresolved', `cannot listen on ${where}: no such name (${error.code})`);
    default:
      return ofListener('no_resources', `cannot listen on ${where}: ${oneLine(error)}`);
  }
}

function ofListener(
  kind: 'address_in_use' | 'not_permitted' | 'no_resources' | 'unresolved',
  cause: string,
): Failure {
  return failure(kind, 'us', 'accept', 'never', cause);
}

/** `address:port`, with brackets around IPv6. */
export function authority(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

const UNREACHABLE: ReadonlyMap<string, string> = new Map([
  ['EHOSTUNREACH', 'no route to the host'],
  ['ENETUNREACH', 'the network is unreachable'],
  ['EHOSTDOWN', 'the host is down'],
  ['ETIMEDOUT', 'no answer'],
]);

/** Null: it is not we who ran out of something. */
function resourceCause(code: string, where: string): string | null {
  switch (code) {
    case 'EMFILE':
      return 'no file descriptor is left in this process (EMFILE); raise its limit (ulimit -n)';
    case 'ENFILE':
      return 'no file descriptor is left on this machine (ENFILE); raise fs.file-max';
    case 'EADDRNOTAVAIL':
      return `no local port is left for connections to ${where} (EADDRNOTAVAIL)`;
    case 'ENOBUFS':
    case 'ENOMEM':
      return `the kernel has no memory left for sockets (${code})`;
    default:
      return null;
  }
}

function tlsCause(error: SystemError | null, serverName: string): string {
  switch (error?.code) {
    case undefined:
      return error === null ? 'the connection was closed during the handshake' : oneLine(error);
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the connection was closed during the handshake';
    case 'CERT_HAS_EXPIRED':
      return 'certificate has expired';
    case 'CERT_NOT_YET_VALID':
      return 'certificate is not valid yet';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return 'self-signed certificate; set tls.ca';
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return 'self-signed certificate in the chain; set tls.ca';
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'certificate is signed by an unknown authority; set tls.ca';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `certificate is not for ${serverName}; set tls.server_name`;
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
      return 'the answer was not TLS';
    default:
      return error === null ? '' : oneLine(error);
  }
}

function oneLine(error: SystemError): string {
  return error.message.split('\n', 1)[0].trim();
}
