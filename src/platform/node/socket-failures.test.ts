import { describe, expect, it } from 'vitest';
import type { Target } from '../../core/base/transport.ts';
import {
  authority,
  brokenFailure,
  connectFailure,
  goneFailure,
  listenFailure,
} from './socket-failures.ts';

const PLAIN: Target = { address: '192.0.2.1', port: 80, tls: null };
const SECURE: Target = {
  address: '2001:db8::1',
  port: 443,
  tls: { serverName: 'backend.test', verify: true, caPem: null },
};

function systemError(code: string, message = code): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}

describe('the failure of a connection that did not open', () => {
  it.each([
    ['ECONNREFUSED', 'refused', 'backend', '192.0.2.1:80 refused the connection'],
    ['EHOSTUNREACH', 'unreachable', 'backend', '192.0.2.1:80: no route to the host'],
    ['ENETUNREACH', 'unreachable', 'backend', 'the network is unreachable'],
    ['EHOSTDOWN', 'unreachable', 'backend', 'the host is down'],
    ['ETIMEDOUT', 'unreachable', 'backend', 'no answer (ETIMEDOUT)'],
    ['ECONNRESET', 'reset', 'backend', '192.0.2.1:80 reset the new connection'],
    ['EMFILE', 'no_resources', 'us', 'raise its limit'],
    ['ENFILE', 'no_resources', 'us', 'fs.file-max'],
    ['EADDRNOTAVAIL', 'no_resources', 'us', 'no local port is left'],
    ['ENOBUFS', 'no_resources', 'us', 'no memory left for sockets'],
    ['ESOMETHING', 'unreachable', 'backend', '192.0.2.1:80: ESOMETHING'],
  ])('%s is %s, side %s, and safe to retry', (code, kind, side, cause) => {
    const failure = connectFailure(systemError(code), PLAIN);
    expect(failure).toMatchObject({ kind, side, phase: 'connect', retry: 'safe' });
    expect(failure.cause).toContain(cause);
  });

  it.each([
    ['CERT_HAS_EXPIRED', 'certificate has expired'],
    ['CERT_NOT_YET_VALID', 'certificate is not valid yet'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate; set tls.ca'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in the chain; set tls.ca'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unknown authority; set tls.ca'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate is not for backend.test'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'the answer was not TLS'],
    ['ECONNRESET', 'closed during the handshake'],
    ['ERR_SSL_OTHER', 'first line'],
  ])('%s over TLS is a failure of TLS and says what to do', (code, cause) => {
    const failure = connectFailure(systemError(code, 'first line\nsecond line'), SECURE);
    expect(failure).toMatchObject({ kind: 'tls', side: 'backend', retry: 'safe' });
    expect(failure.cause).toContain('TLS with [2001:db8::1]:443: ');
    expect(failure.cause).toContain(cause);
    expect(failure.cause).not.toContain('\n');
  });

  it('is no failure of TLS when the connection never got that far', () => {
    expect(connectFailure(systemError('ECONNREFUSED'), SECURE).kind).toBe('refused');
    expect(connectFailure(systemError('ETIMEDOUT'), SECURE).kind).toBe('unreachable');
  });

  it('has a cause also when it ended without an error', () => {
    expect(connectFailure(null, PLAIN).kind).toBe('reset');
    expect(connectFailure(null, SECURE).kind).toBe('tls');
  });
});

describe('the failure of an open connection', () => {
  it.each([
    ['ECONNRESET', 'reset', 'client'],
    ['EPIPE', 'reset', 'client'],
    ['ETIMEDOUT', 'unreachable', 'client'],
    ['ENOBUFS', 'no_resources', 'us'],
    ['ERR_SSL_BAD_RECORD_MAC', 'tls', 'client'],
  ])('%s is %s, side %s, and may be retried when idempotent', (code, kind, side) => {
    const failure = brokenFailure(systemError(code), 'client', '192.0.2.1:5');
    expect(failure).toMatchObject({ kind, side, phase: 'relay', retry: 'if-idempotent' });
  });
});

describe('a connection that is gone', () => {
  const peer = { address: '2001:db8::2', port: 5 };
  const reset = systemError('ECONNRESET');

  it('did not open, whatever else is known', () => {
    expect(goneFailure(null, PLAIN, false, null)).toEqual(connectFailure(null, PLAIN));
    expect(goneFailure(reset, PLAIN, false, null)).toEqual(connectFailure(reset, PLAIN));
  });

  it('ended in order when there was no error', () => {
    expect(goneFailure(null, PLAIN, true, null)).toBeNull();
    expect(goneFailure(null, null, true, peer)).toBeNull();
  });

  it('broke on the side where it led to', () => {
    const backend = brokenFailure(reset, 'backend', '192.0.2.1:80');
    expect(goneFailure(reset, PLAIN, true, null)).toEqual(backend);
    const client = brokenFailure(reset, 'client', '[2001:db8::2]:5');
    expect(goneFailure(reset, null, true, peer)).toEqual(client);
    expect(goneFailure(reset, null, true, null)).toEqual(brokenFailure(reset, 'client', ''));
  });
});

describe('the failure of a listener', () => {
  it.each([
    ['EADDRINUSE', 'address_in_use', '*:8080 is in use by another process'],
    ['EACCES', 'not_permitted', 'not permitted to listen on *:8080'],
    ['EADDRNOTAVAIL', 'no_resources', '*:8080 is not an address of this machine'],
    ['ENOTFOUND', 'unresolved', 'no such name'],
    ['EMFILE', 'no_resources', 'cannot listen on *:8080'],
  ])('%s is %s', (code, kind, cause) => {
    const failure = listenFailure(systemError(code), { host: null, port: 8080 });
    expect(failure).toMatchObject({ kind, side: 'us', phase: 'accept', retry: 'never' });
    expect(failure.cause).toContain(cause);
  });
});

it('writes IPv6 addresses in brackets', () => {
  expect(authority('::1', 80)).toBe('[::1]:80');
  expect(authority('127.0.0.1', 80)).toBe('127.0.0.1:80');
});
