import { describe, expect, it } from 'vitest';
import { configFromArguments } from '../config/from-arguments.ts';
import { parseConfig } from '../config/load.ts';
import { toLatin1 } from '../core/base/bytes.ts';
import type { Config } from '../core/config.ts';
import { requestBytes } from './request-bytes.ts';

function configOf(text: string): Config {
  const result = parseConfig(`${text}\nbackends: [http://a:1]`, 'config.yaml');
  if (!('config' in result)) throw new Error('not a good one');
  return result.config;
}

const one = configOf('port: 8080');
const two = configOf('listeners: [{port: 8080}, {port: 8081, address: "::1"}, {port: 80}]');

function made(config: Config, method: string, url: string, ...headers: string[]) {
  const result = requestBytes(config, { method, url, headers });
  if ('problem' in result) return result.problem;
  return `${result.listener.address} ${toLatin1(result.bytes)}`;
}

describe('the bytes of a typed request', () => {
  it('are as typed, with the Host of the URL', () => {
    expect(made(one, 'GET', 'http://A.test:8080/x?y#z', 'Foo : bar')).toBe(
      '*:8080 GET /x?y#z HTTP/1.1\r\nHost: A.test:8080\r\nFoo : bar\r\n\r\n',
    );
    expect(made(one, 'ge t', '/a b', 'host: typed')).toBe(
      '*:8080 ge t /a b HTTP/1.1\r\nhost: typed\r\n\r\n',
    );
  });

  it('have a path where the URL has none, and a Host where there is a path alone', () => {
    expect(made(one, 'GET', 'http://a?b')).toContain('GET /?b HTTP/1.1\r\nHost: a\r\n');
    expect(made(one, 'OPTIONS', '*')).toContain('OPTIONS * HTTP/1.1\r\nHost: localhost:8080\r\n');
  });

  it('have what UTF-8 makes of other letters', () => {
    expect(made(one, 'GET', '/ä')).toContain('GET /\xc3\xa4 HTTP/1.1');
  });

  it('go to the listener with the port of the URL', () => {
    expect(made(two, 'GET', 'http://a:8081/')).toMatch(/^\[?::1\]?:8081 GET/);
    expect(made(two, 'GET', 'http://a/')).toMatch(/^\*:80 GET/);
    expect(made(one, 'GET', 'http://a/')).toMatch(/^\*:8080 GET/);
    expect(made(two, 'GET', 'http://a:99/')).toBe(
      'no listener has port 99; there is 8080, 8081, 80',
    );
  });

  it('end with the body that the headers announce', () => {
    expect(made(one, 'PUT', '/', 'Content-Length: 3')).toMatch(/\r\n\r\nxxx$/);
    expect(made(one, 'PUT', '/', 'transfer-encoding: chunked')).toMatch(/\r\n\r\n0\r\n\r\n$/);
    expect(made(one, 'PUT', '/', 'Content-Length: 9999999')).toMatch(/9999999\r\n\r\n$/);
  });

  it('are not made for what nobody listens to', () => {
    expect(made(one, 'GET', 'https://a/')).toContain('write http:// instead of https://');
    expect(made(one, 'GET', 'HTTPS://a/')).toContain('and --from an address of trusted_proxies');
    expect(made(one, 'GET', 'ftp://a/')).toBe(
      'listeners speak HTTP: write http:// instead of ftp://',
    );
    expect(made(one, 'GET', 'a.test/x')).toBe(
      '"a.test/x" is no URL; write http://a.test/x, or a path: /a.test/x',
    );
    expect(made(one, 'GET', 'http://[::1/')).toContain('lacks a "]" after the address');
    expect(made(one, 'GET', '')).toBe('the URL is empty; write a path, such as /');
  });

  it('name who is to be connected to as CONNECT does', () => {
    expect(made(one, 'CONNECT', 'a.test:443')).toContain(
      'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n',
    );
  });

  it('need no file', () => {
    const result = configFromArguments({ targets: ['9001'] });
    if (!('config' in result)) throw new Error('not a good one');
    expect(made(result.config, 'GET', '/')).toContain('*:8080 GET / HTTP/1.1');
  });
});
