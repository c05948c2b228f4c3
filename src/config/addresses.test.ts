import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hostProblem,
  parseBackendUrl,
  parseBindAddress,
  parseCidr,
  parseHostField,
  parseProbePath,
  parseRouteHost,
  parseRoutePath,
  parseServerName,
} from './addresses.ts';
import type { Parsed } from './quantities.ts';

const problemOf = (result: Parsed<unknown>): string => ('problem' in result ? result.problem : '');

describe('a backend URL', () => {
  it('gives every part that a connection needs', () => {
    expect(parseBackendUrl('https://App.internal:8443/base/')).toEqual({
      value: {
        url: 'https://App.internal:8443/base/',
        tls: true,
        host: 'app.internal',
        port: 8443,
        authority: 'app.internal:8443',
        hostAndPort: 'app.internal:8443',
        basePath: '/base',
      },
    });
  });

  it('leaves the default port out of the authority only', () => {
    expect(parseBackendUrl('http://[::1]:80')).toMatchObject({
      value: { host: '::1', port: 80, authority: '[::1]', hostAndPort: '[::1]:80', basePath: '' },
    });
    expect(parseBackendUrl('https://a:80')).toMatchObject({ value: { authority: 'a:80' } });
  });

  it.each([
    ['localhost:9003', 'has no scheme; write http://localhost:9003'],
    ['9003', 'write http://localhost:9003'],
    ['HTTP:/a', 'write http://a'],
    ['a=http://b:1', 'write {name: a, url: "http://b:1"}'],
    ['wss://a/chat', 'write https://a/chat'],
    ['constructor:x', 'the scheme "constructor" is not supported'],
    ['http://u:p@a', 'remove it up to the "@"'],
    ['http://a?x', 'has a query'],
    ['http://a#x', 'has a fragment'],
    ['http://::1', 'write [::1]'],
    ['http://fe80::1:80', 'write [fe80::1]:80'],
    ['http://[fe80::1%eth0]', 'zone ids'],
    ['http://a:', 'is not a port'],
    ['http://a b', 'is not a host name'],
    ['http://a/"', 'write it as %22'],
    ['http://a\n', 'is not a host name'],
  ])('%s is refused: %s', (url, remedy) => {
    expect(problemOf(parseBackendUrl(url))).toContain(remedy);
  });

  it('agrees with the URL standard about every URL that it takes', () => {
    const part = fc.stringMatching(/^[a-z0-9.:/@?#[\]_-]{0,20}$/);
    fc.assert(
      fc.property(part, (rest) => {
        const result = parseBackendUrl(`http://${rest}`);
        if ('problem' in result) return;
        const standard = new URL(`http://${rest}`);
        const { hostAndPort } = result.value;
        const port = standard.port === '' ? '80' : standard.port;
        expect(new URL(`http://${hostAndPort}`).hostname).toBe(standard.hostname);
        expect(String(result.value.port)).toBe(port);
      }),
    );
  });
});

describe('a host', () => {
  it.each(['localhost', 'a.b-c.example', 'my_service', '10.0.0.1', '[::1]', 'example.com.'])(
    '%s is fine',
    (host) => {
      expect(hostProblem(host)).toBeNull();
    },
  );

  it.each([
    '',
    'a..b',
    '-a',
    'a-',
    '10.0.0.256',
    '1.2.3',
    'a.0',
    'a.0x1',
    '[::g]',
    '::1',
    'a b',
    'bücher.de',
  ])('"%s" is refused', (host) => {
    expect(hostProblem(host)).not.toBeNull();
  });
});

describe('the Host for backends', () => {
  it('is a name, with a port if need be', () => {
    expect(parseHostField('www.example.com:8080')).toEqual({ value: 'www.example.com:8080' });
  });

  it.each(['http://a', '0.0.0.0', '::', '127.0.0.1:80', 'a b', 'a:b'])('is not %s', (host) => {
    expect(problemOf(parseHostField(host))).not.toBe('');
  });
});

describe("a route's host", () => {
  it('loses its case and its final dot', () => {
    expect(parseRouteHost('WWW.Example.com.')).toEqual({ value: 'www.example.com' });
    expect(parseRouteHost('*.Example.com')).toEqual({ value: '*.example.com' });
  });

  it.each([
    ['*', 'leave "host" out'],
    ['https://a.example/x', 'write only the host: a.example'],
    ['a.example:80', 'write a.example'],
    ['a.*.example', 'only be the first label'],
    ['a.example/x', 'the path in "path"'],
  ])('%s is refused: %s', (host, remedy) => {
    expect(problemOf(parseRouteHost(host))).toContain(remedy);
  });
});

describe('the name for SNI', () => {
  it('is one host', () => {
    expect(parseServerName('API.Example.com.')).toEqual({ value: 'api.example.com' });
  });

  it.each([
    ['*.example.com', 'write it, such as www.example.com'],
    ['*', 'write it, such as www.example.com'],
    ['a.*.example', 'write it, such as www.example.com'],
    ['https://a.example/x', 'write only the host: a.example'],
  ])('%s is refused: %s', (name, remedy) => {
    expect(problemOf(parseServerName(name))).toContain(remedy);
  });
});

describe('paths', () => {
  it('of routes lose the slash at their end', () => {
    expect(parseRoutePath('/api/')).toEqual({ value: '/api' });
    expect(parseRoutePath('/')).toEqual({ value: '/' });
  });

  it.each(['api', '/api/*', '/*', '/a?b', '/a#b', '/a//b', '/./a', '/a/..', '//', '/é'])(
    'of routes are not like %s',
    (path) => {
      expect(problemOf(parseRoutePath(path))).not.toBe('');
    },
  );

  it('of probes may have a query, and nothing that cannot be sent', () => {
    expect(parseProbePath('/health?full=1')).toEqual({ value: '/health?full=1' });
    expect(problemOf(parseProbePath('health'))).toContain('write /health');
    expect(problemOf(parseProbePath('/a b'))).toContain('%20');
    expect(problemOf(parseProbePath('/a#b'))).toContain('fragment');
    expect(problemOf(parseProbePath('/a\r\nX: y'))).not.toBe('');
  });
});

describe('an address to listen on', () => {
  it('is an IP address without brackets, or localhost', () => {
    expect(parseBindAddress('[::1]')).toEqual({ value: '::1' });
    expect(parseBindAddress('127.0.0.1')).toEqual({ value: '127.0.0.1' });
    expect(parseBindAddress('localhost')).toEqual({ value: 'localhost' });
  });

  it.each([
    ['0.0.0.0:80', 'write address: 0.0.0.0 and port: 80'],
    [':80', 'write port: 80'],
    ['*:80', 'write port: 80'],
    ['80', 'write port: 80'],
    ['*', 'leave "address" out'],
    ['example.com', 'not an IP address'],
  ])('%s is refused: %s', (address, remedy) => {
    expect(problemOf(parseBindAddress(address))).toContain(remedy);
  });
});

describe('a trusted proxy', () => {
  it.each(['10.0.0.0/8', '192.0.2.1', '0.0.0.0/0', 'fd00::/8', '::1', '10.1.2.3/32'])(
    'may be %s',
    (text) => {
      expect(parseCidr(text)).toEqual({ value: text });
    },
  );

  it.each([
    ['10.1.2.3/8', 'write 10.0.0.0/8'],
    ['10.1.2.255/25', 'write 10.1.2.128/25'],
    ['fd00::1/8', 'write fd00::/8'],
    ['2001:db8:ffff::1/33', 'write 2001:db8:8000::/33'],
    ['10.0.0.0/33', 'from 0 to 32'],
    ['::/129', 'from 0 to 128'],
    ['10.0.0.0/8/8', 'neither'],
    ['::ffff:10.0.0.1', 'write the IPv4 form'],
    ['fe80::1%eth0', 'zone ids'],
    ['proxy.internal', 'neither'],
  ])('%s is refused: %s', (text, remedy) => {
    expect(problemOf(parseCidr(text))).toContain(remedy);
  });
});
