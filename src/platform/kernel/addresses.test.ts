import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressIn, NAME_BYTES, nameOf, portIn } from './addresses.ts';

describe('what the kernel calls an address', () => {
  it('has its family, the port in the order of the network, and the bytes of IPv4', () => {
    const name = [2, 0, 0x1f, 0x90, 10, 1, 2, 255, ...new Array(8).fill(0)];
    expect([...nameOf('10.1.2.255', 8080)!]).toEqual(name);
  });

  it('has no flow and no scope where it is IPv6', () => {
    const bytes = [0x20, 1, 0xd, 0xb8, ...new Array(10).fill(0), 0xab, 5];
    const name = [10, 0, 1, 0xbb, 0, 0, 0, 0, ...bytes, 0, 0, 0, 0];
    expect([...nameOf('2001:db8::AB05', 443)!]).toEqual(name);
    expect(name.length).toBe(NAME_BYTES);
  });

  it.each(['', 'localhost', '1.2.3', '256.1.1.1', '1.2.3.4:80', '[::1]', '::1::', 'fe80::1%lo'])(
    'is not there for %j, which is no literal that it would know',
    (text) => {
      expect(nameOf(text, 80)).toBe(null);
    },
  );

  it.each([0, 1, 255, 256, 8080, 65535])('gives port %i back', (port) => {
    for (const address of ['127.0.0.1', '::1']) expect(portIn(nameOf(address, port)!)).toBe(port);
  });
});

describe('an address that the kernel has written', () => {
  it.each([
    ['0.0.0.0', '0.0.0.0'],
    ['255.254.0.1', '255.254.0.1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['2001:0DB8:0:0:0:0:0002:0001', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['0:1:1:1:1:1:1:0', '0:1:1:1:1:1:1:0'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:0:0', '1:2:3:4:5:6::'],
    ['::ffff:192.0.2.33', '192.0.2.33'],
    ['::fffe:192.0.2.33', '::fffe:c000:221'],
    ['::ff:192.0.2.33', '::ff:c000:221'],
    ['1::ffff:192.0.2.33', '1::ffff:c000:221'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ])('%s reads %s', (given, text) => {
    expect(addressIn(nameOf(given, 1)!)).toBe(text);
  });

  it('is IPv4 whatever was written behind it', () => {
    const name = new Uint8Array(NAME_BYTES).fill(255);
    name.set(nameOf('127.0.0.1', 80)!);
    expect([addressIn(name), portIn(name)]).toEqual(['127.0.0.1', 80]);
  });

  it('reads as in a URL, whichever groups are zero', () => {
    const group = fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 1, max: 0xffff }));
    const groups = fc.array(group, { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, (numbers) => {
        const given = numbers.map((number) => number.toString(16)).join(':');
        fc.pre(!given.startsWith('0:0:0:0:0:ffff:'));
        expect(`[${addressIn(nameOf(given, 1)!)}]`).toBe(new URL(`http://[${given}]`).hostname);
      }),
    );
  });
});

it('names the zone of a link-local address by its number, and of no other', () => {
  const name = nameOf('fe80::1', 80)!;
  expect(addressIn(name)).toBe('fe80::1');
  name[24] = 3;
  expect(addressIn(name)).toBe('fe80::1%3');
  const other = nameOf('2001:db8::1', 80)!;
  other[24] = 3;
  expect(addressIn(other)).toBe('2001:db8::1');
});
