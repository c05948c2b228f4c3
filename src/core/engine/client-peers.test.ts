import { expect, it } from 'vitest';
import { toLatin1 } from '../base/bytes.ts';
import { TrustedPeers } from '../http/trusted-peers.ts';
import { ClientPeers } from './client-peers.ts';

it('knows an address again, and tells the trusted from the others', () => {
  const peers = new ClientPeers(new TrustedPeers(['10.0.0.0/8']));
  const stranger = peers.of('192.0.2.1');
  expect(peers.of('192.0.2.1')).toBe(stranger);
  expect(toLatin1(stranger.strangerLines)).toContain('X-Forwarded-For: 192.0.2.1\r\n');
  expect([stranger.trusted, peers.of('10.1.2.3').trusted]).toEqual([false, true]);
});

it('holds a bounded number, and makes the others anew', () => {
  const peers = new ClientPeers(new TrustedPeers([]));
  const first = peers.of('10.0.0.0');
  for (let i = 1; i < 1024; i++) peers.of(`10.0.${i >> 8}.${i & 255}`);
  expect(peers.of('10.0.0.0')).toBe(first);
  peers.of('10.1.0.0');
  const again = peers.of('10.0.0.0');
  expect(again).not.toBe(first);
  expect(again).toEqual(first);
});
