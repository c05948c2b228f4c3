import { describe, expect, it } from 'vitest';
import { latin1 } from '../base/bytes.ts';
import { isHostByte, validHost } from './host.ts';

const valid = (host: string): boolean => {
  const bytes = latin1(`<${host}>`);
  return validHost(bytes, 1, 1 + host.length);
};

describe('a valid host', () => {
  it.each([
    'a',
    'example.com',
    'Example.COM.',
    'under_score.internal',
    'xn--caf-dma.example',
    '127.0.0.1',
    '127.0.0.1:8080',
    'a:0',
    'a:65535',
    'a:00080',
    'a:',
    '[::1]',
    '[::1]:443',
    '[2001:db8::A]',
    '[::ffff:10.0.0.1]:80',
    '[fe80::1%25eth0]:80',
    '[::]',
    '[1::]',
    '[1:2:3:4:5:6:7:8]',
    '[1:2:3:4:5:6:7::]',
    '[::2:3:4:5:6:7:8]',
    '[1:2:3:4:5:6:255.0.10.1]',
    '[1::ffff:0.0.0.0]',
    'caf%C3%A9',
    "a!$&'()*+;=~b",
  ])('is %j', (host) => {
    expect(valid(host)).toBe(true);
  });
});

describe('no valid host', () => {
  it.each([
    '',
    ':80',
    'a b',
    ' a',
    'a ',
    'a/x',
    'a?x',
    'a#x',
    'u@a',
    'u:p@a',
    'a,b',
    'a\\b',
    'a"b',
    'a<b>',
    'a{b}',
    'a|b',
    'a^b',
    'a`b',
    'a\0b',
    'a\tb',
    'a\x7f',
    'caf\xe9',
    'a:65536',
    'a:99999',
    'a:-1',
    'a:80x',
    'a:8 0',
    'a:80:80',
    'a:b',
    '::1',
    '[]',
    '[',
    '[::1',
    '[::1]x',
    '[::1]80',
    '[::1]:65536',
    '[::1%eth0]',
    '[::1%25]',
    '[::1%25a b]',
    '[%25a]',
    '[v1.x]',
    '[:]',
    '[:::]',
    '[1]',
    '[1:]',
    '[:1]',
    '[::1:]',
    '[1:2:3:4:5:6:7]',
    '[1:2:3:4:5:6:7:8:9]',
    '[1:2:3:4:5:6:7:8::]',
    '[1::2::3]',
    '[12345::]',
    '[::g]',
    '[1.2.3.4]',
    '[::1.2.3]',
    '[::1.2.3.4.5]',
    '[::1.2.3.4:5]',
    '[::256.1.1.1]',
    '[::01.2.3.4]',
    '[::1..2.3]',
    '[::1.2.3.]',
    '[1:2:3:4:5:6:7:1.2.3.4]',
    '[a b]',
    'a[::1]',
    'a]',
    'a%',
    'a%4',
    'a%zz',
    'a%4:80',
    '%2',
  ])('is %j', (host) => {
    expect(valid(host)).toBe(false);
  });

  it('is one with a port that wraps around when it is counted in few bits', () => {
    for (const port of ['4294967376', '18446744073709551696', '9'.repeat(400)]) {
      expect(valid(`a:${port}`)).toBe(false);
    }
  });
});

describe('the bytes of a host', () => {
  it('end where a URL would go on', () => {
    const ends = [...'/?#@\\,"<>^`{|} \t\r\n\0\x7f\x80\xff'];
    for (const letter of ends) expect(isHostByte(letter.charCodeAt(0))).toBe(false);
    for (const letter of 'aZ09-._~%[]:') expect(isHostByte(letter.charCodeAt(0))).toBe(true);
  });
});
