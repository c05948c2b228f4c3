import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createRng } from '../base/rng.ts';
import { parseAddress, TrustedPeers } from './trusted-peers.ts';

const hex = (text: string): string | null => {
  const bytes = parseAddress(text);
  return bytes === null ? null : Buffer.from(bytes).toString('hex');
};

const V4 = '00000000000000000000ffff';

describe('an address', () => {
  it.each([
    ['10.1.2.255', `${V4}0a0102ff`],
    ['0.0.0.0', `${V4}00000000`],
    ['::', '0'.repeat(32)],
    ['::1', `${'0'.repeat(31)}1`],
    ['1::', `0001${'0'.repeat(28)}`],
    ['2001:db8::AbCd:5', '20010db800000000000000'.padEnd(24, '0') + 'abcd0005'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
    ['::2:3:4:5:6:7:8', '00000002000300040005000600070008'],
    ['::ffff:10.0.0.1', `${V4}0a000001`],
    ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221'],
    ['1:2:3:4:5:6:1.2.3.4', '00010002000300040005000601020304'],
  ])('%s is read', (text, bytes) => {
    expect(hex(text)).toBe(bytes);
  });

  it.each([
    '',
    'a',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '1.2.3.04',
    '1.2.3.4 ',
    '+1.2.3.4',
    '1..2.3',
    '0x1.2.3.4',
    ':',
    ':::',
    '1:::2',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::12345',
    '::g',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '1.2.3.4::',
    '1.2.3.4:1::',
    '::1.2.3.4:5',
    '::1.2.3',
    '1:2:3:4:5:6:7:1.2.3.4',
    'fe80::1%eth0',
    '[::1]',
    '1.2.3.4:80',
  ])('%j is none', (text) => {
    expect(hex(text)).toBe(null);
  });

  it('is what Node takes for one', () => {
    const rng = createRng(1);
    const letters = ['0', '1', '25', '255', 'f', 'ffff', ':', ':', '::', '.', '.', 'g'];
    const wrong: string[] = [];
    for (let i = 0; i < 50_000; i++) {
      let text = '';
      for (let n = rng.below(16); n >= 0; n--) text += letters[rng.below(letters.length)];
      if ((parseAddress(text) !== null) !== (isIP(text) !== 0)) wrong.push(text);
    }
    expect(wrong).toEqual([]);
  });
});

describe('trusted peers', () => {
  it('are nobody unless said', () => {
    expect(new TrustedPeers([]).has('127.0.0.1')).toBe(false);
  });

  it('are single addresses and blocks', () => {
    const trusted = new TrustedPeers(['10.0.0.0/8', '192.168.1.1', '2001:db8::/33', '::1']);
    for (const address of ['10.0.0.0', '10.255.255.255', '192.168.1.1', '::1', '2001:db8:7fff::']) {
      expect(trusted.has(address)).toBe(true);
    }
    for (const address of ['11.0.0.0', '9.255.255.255', '192.168.1.2', '::2', '2001:db8:8000::']) {
      expect(trusted.has(address)).toBe(false);
    }
  });

  it('are compared bit by bit at every length of a prefix', () => {
    for (let bits = 0; bits <= 32; bits++) {
      const trusted = new TrustedPeers([`170.170.170.170/${bits}`]);
      for (let flipped = 0; flipped < 32; flipped++) {
        const value = (0xaaaaaaaa ^ (1 << (31 - flipped))) >>> 0;
        const address = [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
        expect(trusted.has(address)).toBe(flipped >= bits);
      }
    }
  });

  it('are the same in both ways of writing IPv4', () => {
    expect(new TrustedPeers(['10.0.0.0/8']).has('::ffff:10.1.1.1')).toBe(true);
    expect(new TrustedPeers(['0.0.0.0/0']).has('::1')).toBe(false);
    expect(new TrustedPeers(['::/0']).has('1.2.3.4')).toBe(true);
  });

  it('never are what is no address', () => {
    const trusted = new TrustedPeers(['0.0.0.0/0', '::/0']);
    for (const text of ['', 'unknown', '_hidden', '1.2.3.4:80']) {
      expect(trusted.has(text)).toBe(false);
    }
  });
});
