import { expect, it } from 'vitest';
import { backend, backendConfig } from '../../../test/fixtures/control-world.ts';
import { identity, tlsTargetOf } from './backend.ts';

it('identifies a backend by its name and URL, not by its weight', () => {
  expect(identity(backendConfig(1))).toBe(identity(backendConfig(1, { weight: 7 })));
  expect(identity(backendConfig(1))).not.toBe(identity(backendConfig(2)));
  expect(identity(backendConfig(1))).not.toBe(identity(backendConfig(1, { url: 'http://b' })));
});

it('is opened over TLS for the host of its URL, unless the pool names another', () => {
  const rest = { verify: true, caPem: 'a certificate' };
  const target = (serverName: string | null) =>
    tlsTargetOf(backend({ tls: true, host: 'web.test' }, { tls: { ...rest, serverName } }));
  expect(target(null)).toEqual({ serverName: 'web.test', ...rest });
  expect(target('other.test')).toEqual({ serverName: 'other.test', ...rest });
});

it('is opened without TLS for a plain URL', () => {
  expect(tlsTargetOf(backend())).toBe(null);
});
